package_PKGS := libarchive jansson libelf ext2fs com_err blkid
