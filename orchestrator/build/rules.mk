build_PKGS := libarchive jansson
