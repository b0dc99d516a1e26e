# An MCP server of the revisions with sessions, for tests of child processes. It needs a shell and nothing else.
answer() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$1"; }
text() { answer "{\"content\":[{\"type\":\"text\",\"text\":\"$1\"}]}"; }
ask() { printf '{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"message":"Who?","requestedSchema":{}}}\n'; }
tool() { printf '{"name":"%s","inputSchema":{"type":"object"}}' "$1"; }

echo 'a server says this to people' >&2
while read -r line; do
  id=${line#*\"id\":}
  id=${id%%,*}
  case $line in
    *'"method":"initialize"'*)
      answer '{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"sh","version":"1"}}' ;;
    *'"method":"tools/list"'*)
      answer "{\"tools\":[$(tool "${NAME:-environment}"),$(tool crash),$(tool child),$(tool ask),$(tool hold),$(tool babble)]}" ;;
    *'"name":"environment"'*) text "$(tr '\0' ' ' < /proc/$$/environ)in $PWD" ;;
    *'"name":"crash"'*) exit 1 ;;
    *'"name":"child"'*)
      /bin/sh -c 'while :; do read -r none < /dev/zero; done' &
      text "$!" ;;
    *'"name":"ask"'*) asking=$id; ask ;;
    *'"name":"hold"'*) holding=$id ;;
    *'"name":"babble"'*) echo 'Hello, people!' ;;
    *'"id":"q","result"'*) id=$asking; text answered; [ -n "$holding" ] && id=$holding && text released; holding= ;;
    *'"id":"q","error"'*) id=$asking; text refused; [ -n "$holding" ] && id=$holding && text released; holding= ;;
    *'"method":"notifications/'*) ;;
    *) printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"Method not found"}}\n' "$id" ;;
  esac
done
