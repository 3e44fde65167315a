toolchain_PKGS :=
