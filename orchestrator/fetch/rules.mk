fetch_PKGS := libcurl
