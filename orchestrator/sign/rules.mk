sign_PKGS := libcrypto libelf jansson
