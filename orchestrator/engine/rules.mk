engine_PKGS := libcurl jansson
