import { readdir } from 'node:fs/promises'
import path from 'node:path'

import { git, SAFE } from '../git-watch/git.ts'
import { AgentApiError, type ApiAnswer, type ApiRequest } from './answer.ts'
import { bestMatches } from './match-paths.ts'

/** Files that are looked through; a workspace with more shows the ones nearest to its directory. */
const MAX_FILES = 100_000
const MAX_FOLDERS = 5_000
const MAX_DEPTH = 12
/** A walk that takes longer is given up with what it has, in milliseconds. */
const WALK_MS = 4_000
/** Paths that git prints of one repository, in bytes. */
const MAX_LISTING = 32 * 1024 * 1024
/** Who types asks again with each letter, and files seldom come meanwhile, in milliseconds. */
const FRESH_MS = 10_000
const MAX_QUERY = 512
const USUAL_LIMIT = 20
const MAX_LIMIT = 100
/** What others have made, and nobody points at. */
const SKIPPED = new Set(['node_modules', '__pycache__', 'venv'])

interface Listing {
  readonly files: readonly string[]
  /** There are more than were looked through. */
  readonly cut: boolean
}

/** Finds files below the directory of the agent by a part of their path, for whoever points at them. */
export class FileFinder implements Disposable {
  readonly #directory: string
  readonly #env: () => Readonly<Record<string, string>>
  #known: Promise<Listing> | undefined
  #forgetting: NodeJS.Timeout | undefined

  constructor(options: { readonly directory: string; readonly env: () => Readonly<Record<string, string>> }) {
    this.#directory = options.directory
    this.#env = options.env
  }

  /** `GET find-files?query=&limit=`: paths relative to `directory`, the best first. */
  async find(request: Pick<ApiRequest, 'query'>): Promise<ApiAnswer> {
    const query = request.query.get('query') ?? ''
    if (query.length > MAX_QUERY)
      throw new AgentApiError(400, `"query" has more than ${MAX_QUERY} characters`)
    const limit = Number(request.query.get('limit') ?? USUAL_LIMIT)
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
      throw new AgentApiError(400, `"limit" must be a whole number from 1 to ${MAX_LIMIT}`)
    const { files, cut } = await this.#listing()
    return { json: { directory: this.#directory, files: bestMatches(files, query, limit), truncated: cut } }
  }

  #listing(): Promise<Listing> {
    if (this.#known !== undefined) return this.#known
    const known = listFiles(this.#directory, this.#env())
    this.#known = known
    const forget = () => {
      if (this.#known === known) this.#known = undefined
    }
    void known.then(() => {
      this.#forgetting = setTimeout(forget, FRESH_MS).unref()
    }, forget)
    return known
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#forgetting)
    this.#known = undefined
  }
}

/** Files below a folder: of repositories what git does not ignore, elsewhere what is not hidden. */
async function listFiles(root: string, env: Readonly<Record<string, string>>): Promise<Listing> {
  const until = performance.now() + WALK_MS
  const files: string[] = []
  let folders: readonly { readonly at: string; readonly depth: number }[] = [{ at: '', depth: 0 }]
  let seen = 0
  if ((await git(root, env, ['rev-parse', '--is-inside-work-tree'], MAX_LISTING)).trim() === 'true') {
    const listed = await ofRepository(root, env)
    return { files: listed.slice(0, MAX_FILES), cut: listed.length > MAX_FILES }
  }
  while (folders.length > 0) {
    const next: { readonly at: string; readonly depth: number }[] = []
    for (const { at, depth } of folders) {
      if (files.length >= MAX_FILES || ++seen > MAX_FOLDERS || performance.now() > until)
        return { files: files.slice(0, MAX_FILES), cut: true }
      // One that cannot be read has nothing to offer.
      const entries = await readdir(path.join(root, at), { withFileTypes: true }).catch(() => [])
      if (at !== '' && entries.some(({ name }) => name === '.git')) {
        for (const file of await ofRepository(path.join(root, at), env)) files.push(`${at}/${file}`)
        continue
      }
      for (const entry of entries) {
        const { name } = entry
        const below = at === '' ? name : `${at}/${name}`
        if (entry.isDirectory()) {
          if (!name.startsWith('.') && !SKIPPED.has(name) && depth < MAX_DEPTH)
            next.push({ at: below, depth: depth + 1 })
        } else if (entry.isFile()) files.push(below)
      }
    }
    folders = next
  }
  return { files: files.slice(0, MAX_FILES), cut: files.length > MAX_FILES }
}

async function ofRepository(
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const listed = await git(
    folder,
    env,
    [...SAFE, 'ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate', '-z'],
    MAX_LISTING,
  )
  return listed.split('\0').filter((file) => file !== '')
}
