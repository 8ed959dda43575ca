import { connect } from "./client/index.js";

const element = (id) => document.getElementById(id);
const { http, ws, login } = await (await fetch("config.json")).json();
const user = new URLSearchParams(location.search).get("user");
const logIn = () => fetch(login, { method: "POST", body: JSON.stringify({ user }) });
const token = async () => (await (await logIn()).json()).token;

const client = await connect({ http, ws, token });
const lunch = client.conversation("lunch");
lunch.subscribe(() => {
  element("state").textContent = client.state.name;
  const lines = lunch.messages.map(({ name, body, state }) => {
    const line = document.createElement("li");
    line.textContent = `${name}: ${body} (${state})`;
    return line;
  });
  element("messages").replaceChildren(...lines);
});
element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  lunch.send(element("text").value);
  element("form").reset();
});
