# Greets whoever is in the hall, and says where that is.
receive() {
  local guest=stranger route weather
  [[ ! $1 =~ \"principalId\":\"([^\"]*)\" ]] || guest=${BASH_REMATCH[1]}
  [[ $1 =~ \"routeKey\":\"([^\"]*)\" ]] && route=${BASH_REMATCH[1]}
  [[ $1 =~ \"weather\":\"([^\"]*)\" ]] && weather=${BASH_REMATCH[1]}
  printf '{"statusCode":200,"body":"%s, %s: %s, %s, %s weather, at %s"}' \
    "$GREETING" "$guest" "$route" "$DOOR" "$weather" "$HALL"
}
