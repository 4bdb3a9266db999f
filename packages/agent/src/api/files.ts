import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import {
  chmod,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import path from 'node:path'

import { AgentApiError, type ApiAnswer, type ApiRequest, jsonBody } from './answer.ts'
import type { ChatPaths } from './chat-paths.ts'
import { applyEdit, type Edit } from './edit-matching.ts'
import { mediaTypeOf } from './media-type.ts'
import { unifiedDiff } from './unified-diff.ts'

const MAX_WRITE_BYTES = 64 * 1024 * 1024
const MAX_READ_BYTES = 64 * 1024 * 1024
const READ_QUERY = new Set(['path', 'offset', 'limit'])

/** Runs file work; what the file system refuses becomes the status that says so. */
async function onFiles<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const message = error instanceof Error ? error.message : String(error)
    switch (code) {
      case 'ENOENT':
        throw new AgentApiError(404, message)
      case 'EACCES':
      case 'EPERM':
        throw new AgentApiError(403, message)
      case 'EISDIR':
      case 'ENOTDIR':
      case 'ENAMETOOLONG':
      case 'ELOOP':
      case 'ERR_INVALID_ARG_VALUE':
        throw new AgentApiError(400, message)
      default:
        throw error
    }
  }
}

function absolute(request: ApiRequest): string {
  const file = request.query.get('path') ?? ''
  if (!path.isAbsolute(file)) throw new AgentApiError(400, `"path" must be absolute: ${JSON.stringify(file)}`)
  return path.normalize(file)
}

function whole(request: ApiRequest, name: string, fallback: number, least = 0): number {
  const text = request.query.get(name)
  if (text === null) return fallback
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < least)
    throw new AgentApiError(400, `"${name}" must be a whole number from ${least}`)
  return value
}

/** `POST list-directory?path= {path: [...], relativity}`: an absolute path in the query comes before the body. */
export async function listDirectory(request: ApiRequest, home: string): Promise<ApiAnswer> {
  const { path: given = [], relativity = 'root' } = await jsonBody(request, 64 * 1024)
  if (relativity !== 'root' && relativity !== 'home')
    throw new AgentApiError(400, '"relativity" must be root or home')
  const parts = Array.isArray(given) ? given.map(String) : []
  const directory = request.query.has('path')
    ? absolute(request)
    : path.resolve(relativity === 'home' ? home : '/', ...parts.map((part) => part.replace(/^\/+/, '')))
  return onFiles(async () => {
    const entries = await readdir(directory, { withFileTypes: true })
    return {
      json: {
        absolute_path: directory.split('/').filter((part) => part !== ''),
        absolute_path_string: directory,
        contents: entries
          .sort((a, b) => a.name.localeCompare(b.name))
          .map((entry) => ({
            name: entry.name,
            absolute_path_string: path.join(directory, entry.name),
            is_dir: entry.isDirectory(),
          })),
      },
    }
  })
}

/** `GET resolve-path`: follows links as far as the path exists. */
export async function resolvePath(request: ApiRequest): Promise<ApiAnswer> {
  const file = absolute(request)
  return onFiles(async () => ({ json: { resolved_path: await resolved(file) } }))
}

async function resolved(file: string): Promise<string> {
  try {
    return await realpath(file)
  } catch (error) {
    const parent = path.dirname(file)
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT') || parent === file)
      throw error
    return path.join(await resolved(parent), path.basename(file))
  }
}

/** `GET read-file`: raw bytes from `offset`, at most `limit`; 0 is no limit. */
export async function readFileBytes(request: ApiRequest): Promise<ApiAnswer> {
  for (const name of request.query.keys())
    if (!READ_QUERY.has(name))
      throw new AgentApiError(400, `there is no query parameter ${JSON.stringify(name)}`)
  const file = absolute(request)
  const offset = whole(request, 'offset', 0)
  const limit = Math.min(whole(request, 'limit', 0) || MAX_READ_BYTES, MAX_READ_BYTES)
  return onFiles(async () => {
    refuseOthers(file, await stat(file))
    await using handle = await open(file, 'r')
    const buffer = Buffer.alloc(Math.min(limit, Math.max(0, (await handle.stat()).size - offset)))
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset)
    const bytes = buffer.subarray(0, bytesRead)
    return { bytes, type: mediaTypeOf(file, bytes) }
  })
}

/** `GET read-file-lines`: numbered lines for readers that pay for each byte; refusals are answers too. */
export async function readFileLines(request: ApiRequest): Promise<ApiAnswer> {
  const file = absolute(request)
  const offset = whole(request, 'offset', 1, 1)
  const maxFile = whole(request, 'max_file_size', 1024 * 1024, 1)
  const maxLine = whole(request, 'max_line_bytes', 1024, 1)
  const maxLines = whole(request, 'max_response_lines', 2000, 1)
  const maxBytes = whole(request, 'max_response_bytes', 32_768, 1)
  const limit = Math.min(whole(request, 'limit', 0) || maxLines, maxLines)
  const refuse = (error: string, size = 0): ApiAnswer => ({
    json: { success: false, file_size: size, total_lines: 0, lines_read: 0, content: '', error },
  })
  const found = await stat(file).catch(() => undefined)
  if (found === undefined) return refuse(`${file} does not exist`)
  if (!found.isFile()) return refuse(found.isDirectory() ? `${file} is a folder` : `${file} is no file`)
  if (found.size > maxFile)
    return refuse(`the file has ${found.size} bytes, more than ${maxFile}: read a part of it`, found.size)
  return onFiles(async () => {
    const lines = (await readFile(file, 'utf8')).split('\n')
    if (lines.at(-1) === '') lines.pop()
    if (offset > lines.length && lines.length > 0)
      return refuse(`line ${offset} is behind the last line ${lines.length}`, found.size)
    const content: string[] = []
    let size = 0
    for (const [i, line] of lines.slice(offset - 1, offset - 1 + limit).entries()) {
      const cut = Buffer.from(line).subarray(0, maxLine).toString('utf8')
      const numbered = `${offset + i}\t${cut}`
      size += Buffer.byteLength(numbered) + 1
      if (size > maxBytes) break
      content.push(numbered)
    }
    return {
      json: {
        success: true,
        file_size: found.size,
        total_lines: lines.length,
        lines_read: content.length,
        content: content.join('\n'),
        error: '',
      },
    }
  })
}

/** `POST write-file`: replaces a file in one step; its mode stays, missing folders are made. */
export async function writeFileBytes(request: ApiRequest, chats?: ChatPaths): Promise<ApiAnswer> {
  const file = absolute(request)
  const bytes = await request.body(MAX_WRITE_BYTES)
  await onFiles(() => replace(file, bytes))
  chats?.note(request, file)
  return { json: { message: `Successfully wrote ${JSON.stringify(file)}` } }
}

async function replace(file: string, bytes: Uint8Array): Promise<void> {
  const target = await resolved(file)
  const before = await stat(target).catch(() => undefined)
  if (before !== undefined) refuseOthers(file, before)
  await mkdir(path.dirname(target), { recursive: true })
  const draft = `${target}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await writeFile(draft, bytes, { mode: before === undefined ? 0o644 : 0o600, flag: 'wx' })
    // The mode of a new file passes the umask, that of an old one must not.
    if (before !== undefined) await chmod(draft, before.mode & 0o7777)
    await rename(draft, target)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

/** Opening a pipe would wait for its other end, and a device has no end. @throws AgentApiError 400. */
function refuseOthers(file: string, found: Stats): void {
  if (found.isFile()) return
  throw new AgentApiError(400, found.isDirectory() ? `${file} is a folder` : `${file} is no file`)
}

/**
 * `POST edit-files`: all edits are worked out before any file is written. With `tolerant`, text that differs from the
 * file in white space only is found too.
 */
export async function editFiles(request: ApiRequest, chats?: ChatPaths): Promise<ApiAnswer> {
  const body = await jsonBody(request, 16 * 1024 * 1024)
  const files = Array.isArray(body.files) ? body.files : []
  if (files.length === 0) throw new AgentApiError(400, '"files" must name at least one file')
  const planned = new Map<string, { readonly name: string; readonly edits: Edit[] }>()
  for (const entry of files) {
    const { name, edits } = fileEdits(entry)
    const target = await onFiles(() => realpath(name))
    const before = planned.get(target)
    if (before !== undefined && before.name !== name)
      throw new AgentApiError(400, `${before.name} and ${name} are the same file: use one of them`)
    planned.set(target, { name, edits: [...(before?.edits ?? []), ...edits] })
  }
  const results: {
    readonly file: string
    readonly name: string
    readonly before: string
    readonly text: string
  }[] = []
  for (const [file, { name, edits }] of planned) {
    const before = await onFiles(async () => {
      refuseOthers(file, await stat(file))
      return readFile(file, 'utf8')
    })
    const text = edits.reduce(
      (edited, edit) => applyEdit(name, edited, edit, { tolerant: body.tolerant === true }),
      before,
    )
    results.push({ file, name, before, text })
  }
  for (const { file, text } of results) await onFiles(() => replace(file, Buffer.from(text)))
  for (const { file } of results) chats?.note(request, file)
  return {
    json: {
      message: `Successfully edited ${results.length} files`,
      ...(body.include_diff === true
        ? {
            files: results.map(({ name, before, text }) => ({
              path: name,
              diff: unifiedDiff(name, before, text),
            })),
          }
        : {}),
    },
  }
}

function fileEdits(entry: unknown): { readonly name: string; readonly edits: Edit[] } {
  if (typeof entry !== 'object' || entry === null || !('path' in entry) || typeof entry.path !== 'string')
    throw new AgentApiError(400, 'each file needs a "path"')
  if (!path.isAbsolute(entry.path)) throw new AgentApiError(400, `"path" must be absolute: ${entry.path}`)
  const edits = 'edits' in entry && Array.isArray(entry.edits) ? entry.edits : []
  if (edits.length === 0) throw new AgentApiError(400, `${entry.path}: "edits" must name at least one edit`)
  return {
    name: path.normalize(entry.path),
    edits: edits.map((edit: { search?: unknown; replace?: unknown; replace_all?: unknown } | null) => {
      if (typeof edit?.search !== 'string' || edit.search === '' || typeof edit.replace !== 'string')
        throw new AgentApiError(400, 'each edit needs "search" and "replace"')
      return { search: edit.search, replace: edit.replace, all: edit.replace_all === true }
    }),
  }
}
