#!/usr/bin/env bash
set -euo pipefail
# Package: pskctool 2.6.7-3.1+deb12u1 (Debian 12)
# Behaviour: `TimeDrift` of RFC 6030 is a signed number of time steps. pskctool and the function
#   `pskc_get_key_data_timedrift` of libpskc have it as an unsigned number of 32 bits.
# Expected: `Key TimeDrift: -1` for a device whose clock is one time step behind.
# Seen: `Key TimeDrift: 4294967295`, without a warning.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq -o APT::Sandbox::User=root download pskctool=2.6.7-3.1+deb12u1 libpskc0=2.6.7-3.1+deb12u1
for package in *.deb; do dpkg --extract "$package" program; done
cat >tokens.xml <<'XML'
<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc"><KeyPackage><Key Id="1"
Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:totp"><Data><Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue>
</Secret><TimeDrift><PlainValue>-1</PlainValue></TimeDrift></Data></Key></KeyPackage></KeyContainer>
XML
export LD_LIBRARY_PATH=$folder/program/usr/lib/x86_64-linux-gnu
shown=$(program/usr/bin/pskctool --info tokens.xml | grep TimeDrift | tr -d '\t')
printf 'the file has TimeDrift -1; pskctool shows "%s"\n' "$shown"
[ "$shown" = "Key TimeDrift: 4294967295" ]
