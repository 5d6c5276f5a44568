"""A learner of a hub without a browser: asks their server for what JupyterLab would ask it for.

The server is reached through the hub's proxy: files and sessions by its REST API, the kernel by a
websocket, and the forms of a lesson by the messages that widgets send.
"""

from __future__ import annotations

import asyncio
import json
import struct
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

PATIENCE = 600.0  # seconds for one cell or one request: busy is no failure
FORMS = {"predict": "Commit", "quiz": "Answer"}  # tag of a cell -> the button of its form


@dataclass
class Ran:
    """What one run of a cell gave: the lines of its errors, and the widgets that it made."""

    errors: list[str] = field(default_factory=list)
    text: str = ""
    widgets: dict[str, dict[str, Any]] = field(default_factory=dict)  # by their comm


async def ask(url: str, token: str, method: str = "GET", body: Any = None) -> Any:
    """The JSON that the server answers, or None; HTTPClientError where it refuses."""
    request = HTTPRequest(
        url,
        method=method,
        headers={"Authorization": f"token {token}"},
        body=None if body is None else json.dumps(body),
        allow_nonstandard_methods=True,
        request_timeout=PATIENCE,
    )
    answer = await AsyncHTTPClient().fetch(request)
    return json.loads(answer.body) if answer.body else None


class Learner:
    """Learner `number`, whose server is at `server`, with a token for it.

    `entered` is what they typed into forms, as the progress file should hold it.
    """

    def __init__(self, name: str, number: int, server: str, token: str) -> None:
        self.name, self.number, self.server, self.token = name, number, server, token
        self.entered: dict[str, dict[str, Any]] = {"predictions": {}, "answers": {}}
        self.complaints: list[str] = []
        self._session = uuid.uuid4().hex
        self._socket: WebSocketClientConnection | None = None

    async def ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """What the learner's server answers at `path`, such as api/contents/my/x.ipynb."""
        return await ask(f"{self.server}{path}", self.token, method, body)

    async def refused(self, path: str, method: str, body: Any) -> bool:
        """Whether the server does not do it."""
        try:
            await self.ask(path, method, body)
        except HTTPClientError as error:
            return 400 <= error.code < 500
        return False

    async def open(self, path: str) -> dict[str, Any]:
        """The notebook at `path`, its kernel started."""
        model = await self.ask(f"api/contents/{path}")
        wanted = {"path": path, "name": "", "type": "notebook", "kernel": {"name": "python3"}}
        session = await self.ask("api/sessions", "POST", wanted)
        channels = f"api/kernels/{session['kernel']['id']}/channels?session_id={self._session}"
        address = f"ws{self.server.removeprefix('http')}{channels}"
        headers = {"Authorization": f"token {self.token}"}
        request = HTTPRequest(address, headers=headers, request_timeout=PATIENCE)
        self._socket = await websocket_connect(request, max_message_size=2**28)
        return dict(model["content"])

    async def work_through(self, notebook: dict[str, Any]) -> None:
        """Run every cell, top to bottom, and fill in every form; errors become complaints."""
        for place, cell in enumerate(notebook["cells"]):
            if cell["cell_type"] != "code":
                continue
            tags = cell["metadata"].get("tags", [])
            if "exercise" in tags:
                cell["source"] = f"{_text(cell['source'])}\n# {self.name} was here"
            ran = await self.run(_text(cell["source"]))
            self.complaints += [f"cell {place}: {error}" for error in ran.errors]
            for tag in set(FORMS) & set(tags):
                await self.fill_in(ran, tag, key_of(_text(cell["source"]), tag))

    async def run(self, source: str) -> Ran:
        """Execute `source`; returns when the kernel is idle again. TimeoutError after PATIENCE."""
        content = {"code": source, "silent": False, "store_history": True, "stop_on_error": True}
        return await self._send("execute_request", content, awaits_reply=True)

    async def fill_in(self, ran: Ran, tag: str, key: str) -> None:
        """Fill in the form that a cell has shown, each learner differently, and press its button.

        Choices are made by the learner's number; so are the ends of an interval.
        """
        made = ran.widgets
        kinds = {comm: state["_model_name"] for comm, state in made.items()}
        values: list[Any] = []
        for comm, kind in kinds.items():
            if kind == "RadioButtonsModel":
                labels = made[comm]["_options_labels"]
                values.append(labels[self.number % len(labels)])
                await self._update(comm, {"index": self.number % len(labels)})
            elif kind == "IntSliderModel":
                values.append(50 + 5 * (self.number % 11))
                await self._update(comm, {"value": values[-1]})
            elif kind == "TextModel":
                values.append(self.number + len(values))
                await self._update(comm, {"value": str(values[-1])})
        buttons = [comm for comm, state in made.items() if state.get("description") == FORMS[tag]]
        if len(buttons) != 1 or not values:
            self.complaints.append(f"the form {key} cannot be filled in: {sorted(kinds.values())}")
            return
        click = {"method": "custom", "content": {"event": "click"}}
        await self._send("comm_msg", {"comm_id": buttons[0], "data": click})
        section = "predictions" if tag == "predict" else "answers"
        self.entered[section][key] = values if tag == "predict" else values[0]

    async def _update(self, comm: str, state: dict[str, Any]) -> None:
        data = {"method": "update", "state": state, "buffer_paths": []}
        await self._send("comm_msg", {"comm_id": comm, "data": data})

    async def _send(self, kind: str, content: dict[str, Any], awaits_reply: bool = False) -> Ran:
        assert self._socket is not None, "open() comes first"
        message = uuid.uuid4().hex
        header = {"msg_id": message, "username": self.name, "session": self._session,
                  "date": datetime.now(UTC).isoformat(), "msg_type": kind,
                  "version": "5.3"}  # fmt: skip
        whole = {"channel": "shell", "header": header, "parent_header": {}, "metadata": {},
                 "content": content, "buffers": []}  # fmt: skip
        await self._socket.write_message(json.dumps(whole))
        async with asyncio.timeout(PATIENCE):
            return await self._until_idle(message, {"idle", "reply"} if awaits_reply else {"idle"})

    async def _until_idle(self, message: str, awaited: set[str]) -> Ran:
        assert self._socket is not None
        ran = Ran()
        while awaited:
            raw = await self._socket.read_message()
            if raw is None:
                raise ConnectionError(f"{self.name}: the kernel's connection was closed")
            said = decoded(raw)
            if said["parent_header"].get("msg_id") != message:
                continue
            content = said["content"]
            match said["header"]["msg_type"]:
                case "status" if content["execution_state"] == "idle":
                    awaited = awaited - {"idle"}
                case "execute_reply":
                    awaited = awaited - {"reply"}
                    if content["status"] != "ok" and not ran.errors:
                        ran.errors.append(str(content.get("evalue", content["status"])))
                case "error":
                    ran.errors.append(f"{content['ename']}: {content['evalue']}")
                case "stream":
                    ran.text += content["text"]
                    if content["name"] == "stderr":
                        ran.errors.append(f"on stderr: {content['text'].strip()}")
                case "comm_open":
                    ran.widgets[content["comm_id"]] = content["data"]["state"]
                case _:
                    pass
        return ran

    def leave(self) -> None:
        """Close the connection; kernel and server go on."""
        if self._socket is not None:
            self._socket.close()


def decoded(raw: str | bytes) -> dict[str, Any]:
    """A message of a kernel's websocket; those with pictures come as bytes, JSON first."""
    if isinstance(raw, bytes):
        (count,) = struct.unpack("!i", raw[:4])
        offsets = struct.unpack(f"!{count}i", raw[4 : 4 * (count + 1)])
        end = offsets[1] if count > 1 else len(raw)
        raw = raw[offsets[0] : end].decode()
    return dict(json.loads(raw))


def _text(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def key_of(source: str, tag: str) -> str:
    """The key of the form that `source` asks for: the first string after its call."""
    return source.split(f"{tag}(", 1)[1].split('"')[1]
