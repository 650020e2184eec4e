// Text chunks of PNG files: where a picture carries the workflow that made it.

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Whether these bytes are a PNG file. */
export const isPng = bytes => SIGNATURE.every((byte, i) => bytes[i] === byte);

/** Keyword to text, of tEXt, zTXt and iTXt chunks. */
export async function textChunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = {};
  let at = SIGNATURE.length;
  while (at + 12 <= bytes.length) {
    const length = view.getUint32(at);
    const type = latin(bytes.subarray(at + 4, at + 8));
    if (at + 12 + length > bytes.length || type === 'IEND') break;
    const data = bytes.subarray(at + 8, at + 8 + length);
    const end = data.indexOf(0);
    if (end > 0) {
      const keyword = latin(data.subarray(0, end));
      if (type === 'tEXt') found[keyword] = latin(data.subarray(end + 1));
      if (type === 'zTXt') found[keyword] = latin(await inflated(data.subarray(end + 2)));
      if (type === 'iTXt') found[keyword] = await international(data, end);
    }
    at += 12 + length;
  }
  return found;
}

async function international(data, end) {
  const compressed = data[end + 1] === 1;
  const language = data.indexOf(0, end + 3);
  const translated = data.indexOf(0, language + 1);
  const body = data.subarray(translated + 1);
  return new TextDecoder().decode(compressed ? await inflated(body) : body);
}

async function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function latin(bytes) {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
