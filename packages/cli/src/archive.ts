import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'

import tar from 'tar-stream'

import { CommandError } from './errors.ts'

const MAX_BYTES = 100 * 1024 * 1024
const SKIPPED = new Set(['.git', 'node_modules', '.terraform', '.DS_Store'])

/** A folder as a template archive, with the engine that its files call for. */
export interface TemplateArchive {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly provisioner: 'typescript' | 'terraform'
}

/** Packs a folder. @throws CommandError when it holds no template or is too large. */
export async function archiveOf(folder: string): Promise<TemplateArchive> {
  const names = await readdir(folder).catch(() => {
    throw new CommandError(`${folder} is no folder`)
  })
  const provisioner = names.includes('template.ts')
    ? 'typescript'
    : names.some((name) => name.endsWith('.tf'))
      ? 'terraform'
      : undefined
  if (provisioner === undefined)
    throw new CommandError(`${folder} holds no template.ts and no *.tf: name the folder with --directory`)
  const pack = tar.pack()
  const packed = buffer(pack)
  let size = 0
  for await (const name of filesOf(folder, '')) {
    const file = path.join(folder, name)
    const [content, info] = await Promise.all([readFile(file), stat(file)])
    size += content.length
    if (size > MAX_BYTES)
      throw new CommandError(`${folder} has more than 100 MiB: leave out what no build needs`)
    pack.entry({ name, mode: info.mode & 0o777, mtime: info.mtime }, content)
  }
  pack.finalize()
  return { bytes: new Uint8Array(await packed), provisioner }
}

async function* filesOf(folder: string, prefix: string): AsyncGenerator<string> {
  const entries = await readdir(path.join(folder, prefix), { withFileTypes: true })
  for (const entry of entries.sort((a, b) => a.name.localeCompare(b.name))) {
    if (SKIPPED.has(entry.name)) continue
    const name = path.posix.join(prefix, entry.name)
    if (entry.isDirectory()) yield* filesOf(folder, name)
    else if (entry.isFile()) yield name
  }
}
