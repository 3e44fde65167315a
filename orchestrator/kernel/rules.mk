kernel_PKGS := libpcre2-8
