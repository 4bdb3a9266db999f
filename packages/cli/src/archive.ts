import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'

import tar from 'tar-stream'

import { CommandError } from './errors.ts'

const MAX_BYTES = 100 * 1024 * 1024
const SKIPPED = new Set(['.git', 'node_modules', '.terraform', '.DS_Store'])

/** A folder as a template archive, with the engine that its files call for. */
export interface TemplateArchive {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly provisioner: 'typescript' | 'terraform'
  /** Whether what it needs is pinned: Terraform without a lock file takes other providers tomorrow. */
  readonly locked: boolean
}

/** Packs a folder. @throws CommandError when it holds no template or is too large. */
export async function archiveOf(folder: string): Promise<TemplateArchive> {
  const names = await readdir(folder).catch(() => {
    throw new CommandError(`${folder} is no folder`)
  })
  const engine = engineOf(names)
  if (engine === undefined)
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
  return { bytes: new Uint8Array(await packed), ...engine }
}

/** Takes a tar archive as it is, such as standard input. @throws CommandError when it holds no template. */
export async function archiveIn(input: Readable): Promise<TemplateArchive> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > MAX_BYTES)
      throw new CommandError('the archive has more than 100 MiB: leave out what no build needs')
    chunks.push(bytes)
  }
  const bytes = new Uint8Array(Buffer.concat(chunks))
  const engine = engineOf(await namesIn(bytes))
  if (engine === undefined)
    throw new CommandError(
      'standard input holds no tar archive with template.ts or *.tf at its top: try `tar -c . | slipway templates push <name> -d -`',
    )
  return { bytes, ...engine }
}

async function namesIn(bytes: Uint8Array): Promise<string[]> {
  const names: string[] = []
  try {
    for await (const entry of Readable.from([bytes]).pipe(tar.extract())) {
      names.push(path.posix.normalize(entry.header.name))
      entry.resume()
    }
  } catch {
    return []
  }
  return names
}

function engineOf(names: readonly string[]): Pick<TemplateArchive, 'provisioner' | 'locked'> | undefined {
  if (names.includes('template.ts')) return { provisioner: 'typescript', locked: true }
  if (!names.some((name) => !name.includes('/') && name.endsWith('.tf'))) return undefined
  return { provisioner: 'terraform', locked: names.includes('.terraform.lock.hcl') }
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
