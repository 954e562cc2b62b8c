/* An answer as it comes: lines of JSON, each with `bytes` bytes behind it. */

export async function* messages(response) {
  const reader = response.body.getReader();
  let rest = new Uint8Array(0);
  const more = async () => {
    const { value, done } = await reader.read().catch((error) => {
      if (error.name === "AbortError") throw error;
      return { done: true };
    });
    if (done) throw new Error("the server stopped in the middle of an answer");
    const joined = new Uint8Array(rest.length + value.length);
    joined.set(rest);
    joined.set(value, rest.length);
    rest = joined;
  };
  for (;;) {
    let end = rest.indexOf(10);
    while (end < 0) {
      await more();
      end = rest.indexOf(10);
    }
    const message = JSON.parse(new TextDecoder().decode(rest.subarray(0, end)));
    rest = rest.subarray(end + 1);
    while (rest.length < message.bytes) await more();
    message.pixels = rest.slice(0, message.bytes);
    rest = rest.subarray(message.bytes);
    if (message.kind === "error") throw new Error(message.error);
    if (message.kind === "end") return;
    yield message;
  }
}

/* What a POST is answered, or an Error with the reason in words. */
export async function ask(path, body, signal) {
  let response;
  try {
    response = await fetch(path, { method: "POST", body, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("the server does not answer; it may have been stopped, or have refused the file");
  }
  if (response.ok) return response;
  throw new Error((await response.text()) || `the server answers ${response.status}`);
}
