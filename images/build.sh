# Builds one kernel's objects inside a builder container; handed to `sh -c` as text by every exec, so that no image carries a copy.
#
# stdin   PROBE_BYTES bytes of the probe's sources as a tar, MEMORY_BYTES bytes of a program (compiler_memory.c), then the tree of
#         the kernel's own packages as a tar
# stdout  a tar with a member per kind that was built: mod, bpf
# stderr  the log; a line `== orchestrate: KIND` opens each kind's part
# exit    0 all kinds built, 1 at least one was not, 2 the input could not be unpacked, 3 the kernel's own packages
#         and those in SHARED_TREE don't go together, 4 the sources could not be prepared
#
# Environment: JOB (this kernel's directory below /work), PROBE_BYTES, MEMORY_BYTES, KINDS, BUILD_DIR (below the tree), SHARED_TREE
# (the tree of the packages that it shares with other kernels, not to be written to; unset where it shares none), PREPARE_CONFIG (the
# tree is one of sources: patterns on paths of it, of which the first file there is becomes the configuration; unset where it was built),
# PREPARE_LOCALVERSION (what is added to the release that the sources have), and for each kind BUILD_<kind> and OUTPUT_<kind>;
# besides what probe.yaml promises to build commands: KERNEL_RELEASE, JOBS, MODULE_VERSION, ARCH, CC, CLANG,
# LLVM_STRIP, STRIP.
set -eu

# Links into the directory $1 what it lacks of the directory $2. Refuses what both have, unless it is a directory in both.
link_missing() {
	own=$1 shared=$2
	set --
	for entry in "$shared"/* "$shared"/.[!.]* "$shared"/..?*; do
		[ -e "$entry" ] || [ -L "$entry" ] || continue
		mine=$own/${entry##*/}
		if [ ! -e "$mine" ] && [ ! -L "$mine" ]; then
			set -- "$@" "$entry"
		elif [ -L "$mine" ] || [ -L "$entry" ] || [ ! -d "$mine" ] || [ ! -d "$entry" ]; then
			echo "orchestrate: '${entry#"$SHARED_TREE/"}' is in the kernel's own packages and in those that it shares"
			return 1
		fi
	done
	[ "$#" -eq 0 ] || ln -s -- "$@" "$own/"
}

# Joins the tree $2 into the tree $1. Directories of $2 that $1 lacks become one link each.
join_trees() {
	link_missing "$1" "$2" || return 1
	for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
		if [ ! -L "$entry" ] && [ -d "$entry" ] && [ -d "$2/${entry##*/}" ]; then
			join_trees "$entry" "$2/${entry##*/}" || return 1
		fi
	done
}

# Makes of the sources in KERNEL_BUILD what modules can be built against. A Module.symvers that lies beside the configuration is
# that of the build which the configuration is of.
prepare_tree() {
	cd "$work/tree"
	for config in $PREPARE_CONFIG; do
		[ ! -f "$config" ] || break
	done
	[ -f "$config" ] || { echo "orchestrate: there is no configuration: $PREPARE_CONFIG"; return 1; }
	echo "orchestrate: preparing with the configuration '$config'"
	[ "$config" -ef "$KERNEL_BUILD/.config" ] || cp "$config" "$KERNEL_BUILD/.config" || return 1
	symvers=$(dirname "$config")/Module.symvers
	[ ! -f "$symvers" ] || [ -e "$KERNEL_BUILD/Module.symvers" ] || cp "$symvers" "$KERNEL_BUILD/" || return 1
	make -C "$KERNEL_BUILD" -j"$JOBS" CC="$CC" HOSTCC="$CC" LOCALVERSION="${PREPARE_LOCALVERSION:-}" \
	    olddefconfig modules_prepare </dev/null || return 1
	made=$(cat "$KERNEL_BUILD/include/config/kernel.release")
	[ "$made" = "$KERNEL_RELEASE" ] || { echo "orchestrate: what was prepared calls itself '$made', not '$KERNEL_RELEASE'"; return 1; }
	if [ ! -e "$KERNEL_BUILD/Module.symvers" ]; then
		# Nothing says what the kernel exports, so what it lacks shows when a module is loaded.
		export KBUILD_MODPOST_WARN=1
		! grep -qx CONFIG_MODVERSIONS=y "$KERNEL_BUILD/.config" || no_modules='symbol versions (CONFIG_MODVERSIONS)'
	fi
}

# What a build has asked the compiler once it is not asked again by another make of this job (compiler_memory.c). Nothing is changed
# where the compiler has no plain name, or the program doesn't run here.
put_memory_before_compiler() {
	case $CC in
	*[!A-Za-z0-9._+-]*) return 0 ;;
	esac
	mv "$work/bin/memory" "$work/bin/$CC"
	chmod 0755 "$work/bin/$CC"
	if PATH=$work/bin:$PATH "$CC" --version >/dev/null 2>&1; then
		PATH=$work/bin:$PATH
		export COMPILER_MEMORY="$work/memory"
	fi
}

exec 3>&1 1>&2
work=/work/$JOB
rm -rf "$work"
mkdir -m 0700 "$work" || exit 2
mkdir "$work/src" "$work/tree" "$work/tmp" "$work/out" "$work/bin" "$work/memory" || exit 2
# What a build left running is this user's, and this user is this job's alone.
trap 'cd /; kill -KILL -1 2>/dev/null || :; rm -rf "$work"' EXIT
head -c "$PROBE_BYTES" | tar -x -f - -C "$work/src" || exit 2
head -c "$MEMORY_BYTES" >"$work/bin/memory" || exit 2
tar -x -f - -b 128 -C "$work/tree" --no-same-owner || exit 2
if [ -n "${SHARED_TREE:-}" ]; then
	[ -d "$work/tree/$BUILD_DIR" ] || { echo "orchestrate: '$BUILD_DIR' is not in the kernel's own packages"; exit 3; }
	join_trees "$work/tree" "$SHARED_TREE" || exit 3
fi

export SRC KERNEL_BUILD="$work/tree/$BUILD_DIR" TMPDIR="$work/tmp"
put_memory_before_compiler
failed=0
built=
no_modules=
if [ -n "${PREPARE_CONFIG:-}" ]; then
	prepare_tree || exit 4
fi
for kind in $KINDS; do
	echo "== orchestrate: $kind"
	if [ "$kind" = mod ] && [ -n "$no_modules" ]; then
		echo "orchestrate: it loads only modules with $no_modules, and there is no Module.symvers to take them from"
		failed=1
		continue
	fi
	# Each kind has its own copy: it sees just what its build key covers.
	SRC=$work/src/$kind
	eval "build=\$BUILD_$kind output=\$OUTPUT_$kind"
	if (cd "$SRC" && sh -e -c "$build") 3>&- && cp "$SRC/$output" "$work/out/$kind"; then
		case $kind in
		bpf) "$LLVM_STRIP" --strip-debug "$work/out/$kind" ;;
		*) "$STRIP" --strip-debug "$work/out/$kind" ;;
		esac || { failed=1; continue; }
		built="$built $kind"
	else
		echo "orchestrate: building the $kind object failed"
		failed=1
	fi
done
# A tar of nothing is refused by tar itself, so there is none when nothing was built.
if [ -n "$built" ]; then
	tar -c -f - -C "$work/out" --format=ustar --owner=0 --group=0 --numeric-owner --mtime=@0 $built >&3
fi
exit "$failed"
