# What process 1 does on the machine's own root: the tests, then the end. Read from the share for the results,
# where "checkout" names the folder of the project, "arguments" those of pytest, one a line.
results=/run/results
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TERM=dumb
export MIPSH_ON_KERNEL=$results PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
cd "$(cat $results/checkout)" || echo b >/proc/sysrq-trigger

hostname mipsh-kernel
ip link set lo up
sysctl -qw kernel.printk='3 4 1 3' 2>/dev/null
modprobe -a ip6_tunnel xfrm_user esp6 veth tun mip6 af_packet nf_tables 2>/run/modprobe.txt || cat /run/modprobe.txt
while IFS= read -r argument; do set -- "$@" "$argument"; done <$results/arguments

echo "== Linux $(uname -r)"
.venv/bin/python -m pytest -n 2 --dist loadfile -p no:cacheprovider --junitxml=$results/junit.xml -o junit_family=xunit2 "$@"
echo $? >$results/status
dmesg >$results/dmesg.txt 2>&1
sync
echo b >/proc/sysrq-trigger
