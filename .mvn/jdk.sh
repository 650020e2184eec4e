# Sourced by ./mvnw and ./quartet: points JAVA_HOME at an installed JDK 25, or says what is missing.
# Looks, in this order, at QUARTET_JAVA_HOME, JAVA_HOME, the java on PATH, and the folders where package
# managers put JDKs. A JDK is recognised by its `release` file, so nothing is started to find out.

quartet_is_jdk25() {
  [ -x "$1/bin/javac" ] && grep -q '^JAVA_VERSION="25[".]' "$1/release" 2>/dev/null
}

quartet_find_jdk25() {
  for home in "${QUARTET_JAVA_HOME:-}" "${JAVA_HOME:-}"; do
    if [ -n "$home" ] && quartet_is_jdk25 "$home"; then echo "$home"; return 0; fi
  done
  if command -v javac >/dev/null 2>&1; then
    home=$(dirname "$(dirname "$(readlink -f "$(command -v javac)" 2>/dev/null || command -v javac)")")
    if quartet_is_jdk25 "$home"; then echo "$home"; return 0; fi
  fi
  for root in /usr/lib/jvm /usr/java /opt /opt/java /Library/Java/JavaVirtualMachines \
    "${HOME:-/nonexistent}/.sdkman/candidates/java" "${HOME:-/nonexistent}/.jdks" "${HOME:-/nonexistent}/.local/share/mise/installs/java"; do
    [ -d "$root" ] || continue
    for name in $(ls "$root" 2>/dev/null); do
      for home in "$root/$name" "$root/$name/Contents/Home"; do
        if quartet_is_jdk25 "$home"; then echo "$home"; return 0; fi
      done
    done
  done
  return 1
}

if quartet_found=$(quartet_find_jdk25); then
  JAVA_HOME=$quartet_found
  export JAVA_HOME
else
  {
    echo "Quartet needs a JDK 25, and none was found."
    echo "  Looked at: QUARTET_JAVA_HOME (${QUARTET_JAVA_HOME:-not set}), JAVA_HOME (${JAVA_HOME:-not set}), javac on PATH, /usr/lib/jvm, /opt, SDKMAN, mise."
    echo "  Install one, for example Eclipse Temurin 25 from https://adoptium.net (or your package manager: temurin-25-jdk, openjdk-25-jdk),"
    echo "  or point at one: QUARTET_JAVA_HOME=/path/to/jdk-25 $0"
  } >&2
  exit 1
fi
