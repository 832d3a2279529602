# Every packet filter rule but those of Kloigos, without counters.
nft list tables | grep -vx 'table inet kloigos' | while read -r _ family name; do
  nft -s list table "$family" "$name" 2>/dev/null
done
