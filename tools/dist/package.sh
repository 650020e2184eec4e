#!/usr/bin/env bash
# Makes the archive and the Debian package: ./mvnw -Pdist package (calls this with JAVA_HOME set).
#
#   package.sh VERSION API_TARGET
#
# The archive holds its own trimmed Java runtime and a start-up cache trained with the product's own flags on a server that
# has answered its first requests.
set -euo pipefail
version=$1
target=$2
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
name="quartet-$version-linux-x86_64"
work="$target/dist"
out="$work/$name"
log="$work/package.log"
say() { echo "dist: $*"; }
rm -rf "$work"
mkdir -p "$out/bin" "$out/lib"
server=
trap '[ -z "$server" ] || kill -TERM "$server" 2>/dev/null || true' EXIT # no server outlives a failure

say "copying jars, settings and the demo checkpoint"
cp "$target/quartet.jar" "$out/lib/"
cp "$target"/lib/*.jar "$out/lib/"
(cd "$out/lib" && { echo quartet.jar; ls ./*.jar | sed 's|^\./||' | grep -v '^quartet\.jar$' | LC_ALL=C sort; }) >"$out/lib/classpath.txt"
cp "$root/tools/dist/launcher.sh" "$out/bin/quartet"
cp "$root/start_multi_gpu.sh" "$out/"
ln -s bin/quartet "$out/quartet"
chmod +x "$out/bin/quartet" "$out/start_multi_gpu.sh"
cp -r "$root/config" "$root/docs" "$out/"
cp "$root"/README*.md "$root/LICENSE" "$root/NOTICE" "$out/"
mkdir -p "$out/models/checkpoints"
cp "$root/models/checkpoints/quartet-demo.safetensors" "$out/models/checkpoints/"

say "linking a runtime"
# What the jars name, and what is found by name at run time: elliptic curves of TLS, character sets, jar file systems.
modules=java.base,java.desktop,java.instrument,java.logging,java.management,java.naming,java.net.http,java.rmi,java.security.jgss
modules+=,java.security.sasl,java.sql,java.transaction.xa,java.xml,jdk.unsupported,jdk.incubator.vector,jdk.management,jdk.jfr
modules+=,jdk.crypto.ec,jdk.charsets,jdk.zipfs
"$JAVA_HOME/bin/jlink" --add-modules "$modules" --strip-debug --no-header-files --no-man-pages --compress=zip-6 --output "$out/runtime" >>"$log" 2>&1

say "training the start-up cache"
train="$work/train"
mkdir -p "$train"
ln -s "$out/models" "$train/models"
free_port() { python3 - 2>/dev/null <<'PY' || echo $((20000 + RANDOM % 20000))
import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])
PY
}
# ask PORT METHOD PATH [BODY]: the whole answer. A Host is wanted, or the answer is a 400.
ask() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1" && printf '%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' \
    "$2" "$3" "${#4}" "${4:-}" >&3 && cat <&3) 2>/dev/null
}
# Reads to the end: a reader that leaves early makes the pipe fail.
answers() { ask "$1" GET "$2" "" | awk 'NR == 1 { ok = / 200 / } END { exit !ok }'; }
port=$(free_port)
QUARTET_JAVA_OPTS="-XX:AOTCacheOutput=$out/lib/start-up.aot" "$out/bin/quartet" serve --port "$port" --devices cpu:1 --base-directory "$train" >>"$log" 2>&1 &
server=$!
for _ in $(seq 600); do
  answers "$port" /system_stats && break
  kill -0 "$server" 2>/dev/null || { cat "$log" >&2; say "the server to train with did not start" >&2; exit 1; }
  sleep 0.2
done
for path in / /dashboard/app.js /queue /queue/all /devices /object_info /history /features /metrics; do
  answers "$port" "$path" || { say "GET $path is not answered with 200" >&2; exit 1; }
done
# A small picture, so that the first prompt finds its classes in the cache too.
prompt=$(tr -d '\n' <"$root/docs/examples/landscape.json" | sed -e 's/"steps": *[0-9]*/"steps": 1/' -e 's/"\(width\|height\)": *[0-9]*/"\1": 64/g')
ask "$port" POST /prompt "$prompt" >>"$log"
for _ in $(seq 600); do
  ask "$port" GET /history "" | grep -c '"status_str":"success"' >/dev/null && break
  sleep 0.2
done
kill -TERM "$server"
wait "$server" || true
server=
[ -s "$out/lib/start-up.aot" ] || { tail -50 "$log" >&2; say "no start-up cache was written" >&2; exit 1; }
rm -rf "$train"

say "checking that the cache is used"
port=$(free_port)
smoke="$work/smoke"
mkdir -p "$smoke"
ln -s "$out/models" "$smoke/models"
began=$(date +%s%N)
QUARTET_JAVA_OPTS="-Xlog:class+load:file=$work/classes.log" "$out/bin/quartet" serve --port "$port" --devices cpu:1 --base-directory "$smoke" >"$work/smoke.log" 2>&1 &
server=$!
for _ in $(seq 600); do
  answers "$port" /system_stats && break
  kill -0 "$server" 2>/dev/null || { cat "$work/smoke.log" >&2; exit 1; }
  sleep 0.02
done
millis=$((($(date +%s%N) - began) / 1000000))
rss=$(awk '/VmRSS/ {print int($2/1024)}' "/proc/$(pgrep -P "$server" | head -1)/status" 2>/dev/null || echo "?")
kill -TERM "$server"
wait "$server" || true
server=
shared=$(grep -c 'source: shared objects file' "$work/classes.log" || true)
loaded=$(wc -l <"$work/classes.log")
rm -rf "$smoke" "$work/classes.log"
[ "$shared" -gt $((loaded / 2)) ] || { say "only $shared of $loaded classes came from the start-up cache" >&2; exit 1; }
say "first answer after $millis ms, $shared of $loaded classes from the cache, $rss MB resident"

say "packing"
tar -C "$work" -czf "$work/$name.tar.gz" "$name"
if command -v dpkg-deb >/dev/null; then
  deb="$work/deb"
  mkdir -p "$deb/DEBIAN" "$deb/opt" "$deb/usr/bin" "$deb/lib/systemd/system" "$deb/etc/logrotate.d"
  cp -a "$out" "$deb/opt/quartet"
  ln -s /opt/quartet/bin/quartet "$deb/usr/bin/quartet"
  sed -e 's|^Environment=CUDA_VISIBLE|Environment=QUARTET_BASE=/var/lib/quartet\n&|' -e 's|^ReadWritePaths=.*|StateDirectory=quartet|' -e 's|^WorkingDirectory=.*|WorkingDirectory=/var/lib/quartet|' \
    "$root/config/systemd/quartet.service" >"$deb/lib/systemd/system/quartet.service"
  sed 's|/opt/quartet/logs|/var/lib/quartet/logs|' "$root/config/logrotate/quartet" >"$deb/etc/logrotate.d/quartet"
  echo /etc/logrotate.d/quartet >"$deb/DEBIAN/conffiles"
  cat >"$deb/DEBIAN/control" <<CONTROL
Package: quartet
Version: $(echo "$version" | sed 's/-SNAPSHOT/~snapshot/')
Architecture: amd64
Maintainer: The Quartet project <quartet@localhost>
Section: graphics
Priority: optional
Depends: bash, libc6 (>= 2.31), libfontconfig1, libfreetype6
Installed-Size: $(du -sk "$out" | cut -f1)
Description: ComfyUI workflows on every GPU of a server, from one JVM
 Speaks ComfyUI's HTTP and WebSocket API and runs the graph itself. Brings
 its own Java runtime.
CONTROL
  cat >"$deb/DEBIAN/postinst" <<'POSTINST'
#!/bin/sh
set -e
if ! getent passwd quartet >/dev/null; then
  adduser --system --group --home /var/lib/quartet --no-create-home quartet >/dev/null 2>&1 || useradd --system --home-dir /var/lib/quartet quartet
fi
mkdir -p /var/lib/quartet/models/checkpoints
for model in /opt/quartet/models/checkpoints/*.safetensors; do
  link="/var/lib/quartet/models/checkpoints/$(basename "$model")"
  [ -e "$link" ] || ln -sf "$model" "$link"
done
chown -R quartet:quartet /var/lib/quartet
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  # What waits is in the journal, so an upgrade may restart a server that runs.
  if [ -n "${2:-}" ]; then systemctl try-restart quartet; fi
fi
echo "quartet: set COMFY_NUM_GPUS in 'systemctl edit quartet', then 'systemctl enable --now quartet'"
POSTINST
  cat >"$deb/DEBIAN/prerm" <<'PRERM'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then systemctl disable --now quartet; fi
PRERM
  chmod 755 "$deb/DEBIAN/postinst" "$deb/DEBIAN/prerm"
  dpkg-deb --root-owner-group -Zgzip --build "$deb" "$work/quartet_${version}_amd64.deb" >>"$log"
  rm -rf "$deb"
fi
say "$(cd "$work" && du -h ./*.tar.gz ./*.deb 2>/dev/null | awk '{printf "%s %s  ", $2, $1}') unpacked $(du -sh "$out" | cut -f1)"
