# Greets the guest, and names the address of the hall.
receive() {
  local guest=stranger route weather
  [[ ! $1 =~ \"principalId\":\"([^\"]*)\" ]] || guest=${BASH_REMATCH[1]}
  [[ $1 =~ \"routeKey\":\"([^\"]*)\" ]] && route=${BASH_REMATCH[1]}
  [[ $1 =~ \"weather\":\"([^\"]*)\" ]] && weather=${BASH_REMATCH[1]}
  printf '{"statusCode":200,"body":"%s, %s: %s, %s, %s weather, at %s"}' \
    "$GREETING" "$guest" "$route" "$ENTRANCE" "$weather" "$HALL"
}
