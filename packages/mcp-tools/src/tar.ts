import { buffer } from 'node:stream/consumers'

import { pack } from 'tar-stream'

import { ToolFault } from './tool.ts'

/** What the server takes at most. */
const MAX_BYTES = 10 * 1024 * 1024

/** A tar archive of these text files, each with mode 0644. @throws ToolFault for unusable names and too much text. */
export async function tarOf(files: Readonly<Record<string, string>>): Promise<Uint8Array<ArrayBuffer>> {
  const archive = pack()
  let size = 0
  for (const [name, content] of Object.entries(files)) {
    if (name === '' || name.startsWith('/') || name.split('/').includes('..'))
      throw new ToolFault(`${JSON.stringify(name)} is no relative path inside the archive`)
    size += Buffer.byteLength(content)
    if (size > MAX_BYTES) throw new ToolFault(`the files have more than ${MAX_BYTES} bytes together`)
    archive.entry({ name, mode: 0o644, mtime: new Date(0) }, content)
  }
  archive.finalize()
  return new Uint8Array(await buffer(archive))
}
