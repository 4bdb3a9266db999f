import { stat } from 'node:fs/promises'
import path from 'node:path'

import { git as runGit, SAFE } from './git.ts'

/** What has changed in a repository of the workspace. */
export interface RepositoryChanges {
  readonly repo_root: string
  readonly branch: string
  readonly remote_origin?: string
  readonly unified_diff?: string
  /** It was there at the look before. */
  readonly removed?: boolean
}

/** Longest diff that is shown, in bytes. */
const MAX_DIFF = 2 * 1024 * 1024
const MAX_UNTRACKED = 200
const MAX_UNTRACKED_BYTES = 256 * 1024

/** The roots of the repositories that these files and folders are in. */
export async function repositoryRoots(
  paths: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const folders = new Set<string>()
  for (const file of paths) folders.add(await existingFolder(file))
  const roots = new Set<string>()
  for (const folder of folders) {
    const root = (await git(folder, env, ['rev-parse', '--show-toplevel'])).trim()
    if (root !== '') roots.add(root)
  }
  return [...roots].sort()
}

/** What has changed in a repository since its last commit, new files included; undefined when it is none any more. */
export async function changesOf(
  root: string,
  env: Readonly<Record<string, string>>,
): Promise<RepositoryChanges | undefined> {
  const top = (await git(root, env, ['rev-parse', '--show-toplevel'])).trim()
  if (top === '') return undefined
  const branch = (await git(root, env, ['branch', '--show-current'])).trim()
  const origin = withoutCredentials((await git(root, env, ['config', '--get', 'remote.origin.url'])).trim())
  const hasCommit = (await git(root, env, ['rev-parse', '--verify', '--quiet', 'HEAD'])).trim() !== ''
  const tracked = await git(root, env, [
    ...SAFE,
    'diff',
    '--no-color',
    '--no-ext-diff',
    '--no-textconv',
    ...(hasCommit ? ['HEAD'] : ['--cached']),
  ])
  const diff = tracked + (await untracked(root, env))
  return {
    repo_root: root,
    branch,
    ...(origin === '' ? {} : { remote_origin: origin }),
    ...(diff === '' ? {} : { unified_diff: bounded(diff) }),
  }
}

async function untracked(root: string, env: Readonly<Record<string, string>>): Promise<string> {
  const list = await git(root, env, [...SAFE, 'ls-files', '--others', '--exclude-standard', '-z'])
  let diff = ''
  for (const file of list.split('\0').slice(0, MAX_UNTRACKED)) {
    if (file === '' || diff.length > MAX_DIFF) continue
    const found = await stat(path.join(root, file)).catch(() => undefined)
    if (found?.isFile() !== true || found.size > MAX_UNTRACKED_BYTES) continue
    // It ends with 1 because the files differ.
    diff += await git(root, env, [
      ...SAFE,
      'diff',
      '--no-color',
      '--no-ext-diff',
      '--no-index',
      '--',
      '/dev/null',
      file,
    ])
  }
  return diff
}

const git = (
  folder: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<string> => runGit(folder, env, args, 2 * MAX_DIFF)

/** The folder of a path, or the nearest one above that exists. */
async function existingFolder(file: string): Promise<string> {
  const found = await stat(file).catch(() => undefined)
  if (found?.isDirectory() === true) return file
  const parent = path.dirname(file)
  return parent === file ? file : existingFolder(parent)
}

function bounded(diff: string): string {
  const bytes = Buffer.from(diff)
  if (bytes.length <= MAX_DIFF) return diff
  return `${bytes.subarray(0, MAX_DIFF).toString('utf8')}\n… ${bytes.length - MAX_DIFF} bytes omitted …\n`
}

function withoutCredentials(origin: string): string {
  const url = URL.parse(origin)
  if (url === null || (url.username === '' && url.password === '')) return origin
  // The name is one that everybody uses, such as `git`, for SSH.
  if (url.protocol !== 'ssh:') url.username = ''
  url.password = ''
  return url.href
}
