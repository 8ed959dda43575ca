# Admits the guests on the list, by the name in the query.
examine() {
  local name effect=Deny
  name=$(sed -E 's/.*"queryStringParameters":\{"name":"([^"]*)".*/\1/' <<<"$1")
  [[ " $GUESTS " != *" $name "* ]] || effect=Allow
  printf '{"principalId":"%s","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"%s","Resource":"*"}]}}' \
    "$name" "$effect"
}
