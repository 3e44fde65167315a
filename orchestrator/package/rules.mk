package_PKGS := libarchive jansson libelf
