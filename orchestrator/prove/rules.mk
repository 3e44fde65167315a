prove_PKGS := libarchive jansson
