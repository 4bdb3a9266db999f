import { createHash } from 'node:crypto'
import { constants, open, readdir, realpath } from 'node:fs/promises'
import path from 'node:path'

import { type AgentContextResource, parseSkill } from '@slipway/contract'

/** Where it is looked for what chats are told. */
export interface ScanPlaces {
  readonly home: string
  /** Folder that the workspace works in. */
  readonly directory: string
}

/** What is longer is cut, in bytes (CH-1303). */
const MAX_FILE = 64 * 1024
const MAX_RESOURCES = 1_000
const MAX_TOTAL = 4 * 1024 * 1024
const MAX_SKILLS = 200
const MAX_SOURCE = 1_024

/** Files with instructions; of two names for one file the first counts. */
function instructionFiles({ home, directory }: ScanPlaces): string[] {
  return [
    path.join(home, '.coder', 'AGENTS.md'),
    path.join(directory, 'AGENTS.md'),
    path.join(directory, 'CLAUDE.md'),
  ]
}

/** Folders with a folder for each skill; of two skills of one name the first counts. */
function skillFolders({ home, directory }: ScanPlaces): string[] {
  return [
    path.join(directory, '.agents', 'skills'),
    path.join(directory, '.claude', 'skills'),
    path.join(home, '.coder', 'skills'),
  ]
}

/** The file that names the MCP servers of a workspace. */
export function mcpConfigFile({ directory }: ScanPlaces): string {
  return path.join(directory, '.mcp.json')
}

/** What a scan looks for, for whoever asks. */
export function scannedPlaces(places: ScanPlaces): Readonly<Record<string, readonly string[]>> {
  return {
    instruction_files: instructionFiles(places),
    skill_directories: skillFolders(places),
    mcp_config_files: [mcpConfigFile(places)],
  }
}

/**
 * What chats are told of this workspace (CH-1301): instructions and skills, with what cannot be used and why. What it has
 * too much of is left out at the end and marked.
 */
export async function scan(places: ScanPlaces): Promise<readonly AgentContextResource[]> {
  const found: AgentContextResource[] = []
  const seen = new Set<string>()
  for (const file of instructionFiles(places)) {
    const resource = await instructionFile(file, linkLimit(file, places), seen)
    if (resource !== undefined) found.push(resource)
  }
  const names = new Set<string>()
  for (const folder of skillFolders(places))
    found.push(...(await skillsIn(folder, linkLimit(folder, places), seen, names)))
  const config = await mcpConfig(mcpConfigFile(places))
  if (config !== undefined) found.push(config)
  return bounded(found)
}

/**
 * The folder that links must not lead out of: whoever writes a repository must not have a key of the user's told to a
 * model by a link to it. What is in the user's own folder may lead anywhere.
 */
function linkLimit(file: string, { home, directory }: ScanPlaces): string | undefined {
  return file.startsWith(path.join(home, '.coder') + path.sep) ? undefined : directory
}

/** The same for the same resources, in hexadecimal. */
export function hashOf(resources: readonly AgentContextResource[]): string {
  return createHash('sha256').update(JSON.stringify(resources)).digest('hex')
}

function bounded(found: readonly AgentContextResource[]): AgentContextResource[] {
  let left = MAX_TOTAL
  const sources = new Set<string>()
  // What the control plane would refuse would take all the others with it.
  const sendable = found.filter(({ source }) => {
    if (sources.has(source) || Buffer.byteLength(source) > MAX_SOURCE) return false
    sources.add(source)
    return true
  })
  return sendable.slice(0, MAX_RESOURCES).map((resource) => {
    const size = Buffer.byteLength(resource.body ?? '')
    if (size <= left) {
      left -= size
      return resource
    }
    const { body: _, ...rest } = resource
    return { ...rest, status: 'excluded' as const, error: 'the workspace has more than 4 MiB of context' }
  })
}

async function instructionFile(
  file: string,
  limit: string | undefined,
  seen: Set<string>,
): Promise<AgentContextResource | undefined> {
  const read = await readStart(file, limit)
  if (read === undefined) return undefined
  const base = { kind: 'instruction_file' as const, source: file, size_bytes: read.size }
  if (read.error !== undefined) return { ...base, status: 'unreadable', error: read.error }
  if (seen.has(read.real))
    return { ...base, status: 'excluded', error: 'it is another name of a file that is there already' }
  seen.add(read.real)
  return read.size > MAX_FILE
    ? { ...base, status: 'oversize', error: `only the first ${MAX_FILE} bytes are used`, body: read.text }
    : { ...base, status: 'ok', body: read.text }
}

async function skillsIn(
  folder: string,
  limit: string | undefined,
  seen: Set<string>,
  names: Set<string>,
): Promise<AgentContextResource[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const resources: AgentContextResource[] = []
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, MAX_SKILLS)) {
    if (entry.name.startsWith('.') || !(entry.isDirectory() || entry.isSymbolicLink())) continue
    const resource = await skill(path.join(folder, entry.name), limit, seen, names)
    if (resource !== undefined) resources.push(resource)
  }
  return resources
}

async function skill(
  folder: string,
  limit: string | undefined,
  seen: Set<string>,
  names: Set<string>,
): Promise<AgentContextResource | undefined> {
  const file = path.join(folder, 'SKILL.md')
  const read = await readStart(file, limit)
  if (read === undefined || Buffer.byteLength(file) > MAX_SOURCE) return undefined
  const base = { kind: 'skill' as const, source: file, size_bytes: read.size }
  if (read.error !== undefined) return { ...base, status: 'unreadable', error: read.error }
  if (seen.has(read.real)) return undefined
  seen.add(read.real)
  if (read.size > MAX_FILE)
    return { ...base, status: 'oversize', error: `a skill may have ${MAX_FILE} bytes at most` }
  const parsed = parseSkill(read.text, path.basename(folder))
  if ('error' in parsed) return { ...base, status: 'invalid', error: parsed.error }
  const described = { skill_name: parsed.name, skill_description: parsed.description, skill_dir: folder }
  if (names.has(parsed.name))
    return { ...base, ...described, status: 'excluded', error: 'another skill has the same name' }
  names.add(parsed.name)
  return { ...base, ...described, status: 'ok', body: parsed.body }
}

/** Its text stays here: such files hold credentials. */
async function mcpConfig(file: string): Promise<AgentContextResource | undefined> {
  // Its text is told to nobody, wherever it is.
  const read = await readStart(file, undefined)
  if (read === undefined) return undefined
  const base = { kind: 'mcp_config' as const, source: file, size_bytes: read.size }
  if (read.error !== undefined) return { ...base, status: 'unreadable', error: read.error }
  if (read.size > MAX_FILE) return { ...base, status: 'oversize', error: 'the file is too long' }
  try {
    JSON.parse(read.text)
    return { ...base, status: 'ok' }
  } catch {
    return { ...base, status: 'invalid', error: 'the file is no JSON' }
  }
}

interface Start {
  readonly size: number
  readonly real: string
  readonly text: string
  readonly error: string | undefined
}

/**
 * The first 64 KiB of a file; undefined when there is none.
 *
 * @param limit the folder that links must not lead out of.
 */
async function readStart(file: string, limit: string | undefined): Promise<Start | undefined> {
  try {
    const real = await realpath(file)
    if (limit !== undefined && !(await isWithin(real, file, limit)))
      return { size: 0, real, text: '', error: 'it is a link to what is no Markdown file of this folder' }
    // Neither a link that was put there meanwhile nor a pipe.
    await using handle = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const found = await handle.stat()
    if (!found.isFile()) return undefined
    const buffer = Buffer.alloc(Math.min(found.size, MAX_FILE))
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0)
    // A character that was cut in two is left out; NUL characters cannot be stored.
    const text = new TextDecoder('utf-8')
      .decode(buffer.subarray(0, bytesRead), { stream: true })
      .replaceAll('\0', '\uFFFD')
    return { size: found.size, real, text, error: undefined }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    const message = error instanceof Error ? error.message : String(error)
    return { size: 0, real: file, text: '', error: message.slice(0, 4_096) }
  }
}

/** Whether a file, if it is a link at all, leads to a Markdown file of the same folder. */
async function isWithin(real: string, file: string, folder: string): Promise<boolean> {
  const root = await realpath(folder)
  if (real === path.join(root, path.relative(folder, file))) return true
  return real.startsWith(root.endsWith(path.sep) ? root : root + path.sep) && /\.mdc?$/i.test(real)
}
