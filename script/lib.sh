# Shared by the scripts beside it: what must be installed, how a tree is built.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit

say() { printf '== %s\n' "$*" >&2; }
fail() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# Debian packages of one group (script/packages.txt) that are not installed yet.
missing_packages() {
	local package
	awk -v group="$1" '$1 == group { print $2 }' "$root/script/packages.txt" |
		while read -r package; do
			[[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
				printf '%s\n' "$package"
		done
}

install_packages() {
	local missing as_root=()
	mapfile -t missing < <(
		for group in "$@"; do missing_packages "$group"; done
	)
	((${#missing[@]})) || return 0
	command -v apt-get >/dev/null ||
		fail "these packages are missing and there is no apt-get to install them: ${missing[*]}"
	if ((EUID != 0)); then
		command -v sudo >/dev/null ||
			fail "run this once as root, or install these packages: ${missing[*]}"
		as_root=(sudo)
	fi
	say "installing ${missing[*]}"
	"${as_root[@]}" apt-get update -q >&2
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get install -q -y --no-install-recommends "${missing[@]}" >&2
}

# Files for browsers come from the npm registry, exactly those package-lock.json names.
web_assets() {
	[[ -f package-lock.json ]] || return 0
	[[ node_modules/.package-lock.json -nt package-lock.json ]] && return 0
	command -v npm >/dev/null || install_packages web
	say "fetching web assets"
	npm ci --ignore-scripts --no-audit --no-fund >&2
}

# build_tree DIRECTORY [MESON OPTION...]: configure when new, then compile.
build_tree() {
	local dir=$1
	shift
	command -v ccache >/dev/null && export CCACHE_SLOPPINESS=pch_defines,time_macros
	[[ -f $dir/build.ninja ]] || meson setup "$dir" "$@" >&2
	ninja -C "$dir" >&2
}

build_release() {
	install_packages build
	web_assets
	build_tree build
}
