import { readdir, readFile, readlink } from 'node:fs/promises'

/** A port that a process of the workspace listens on. */
export interface ListeningPort {
  readonly process_name: string
  readonly network: 'tcp'
  readonly port: number
}

const LISTEN = '0A'
const FIRST_PORT = 9

/** TCP ports that accept connections on the loopback interface, over IPv4 and IPv6 (`/proc/net/tcp`, proc(5)). */
export async function listListeningPorts(): Promise<ListeningPort[]> {
  const uid = process.getuid?.()
  const inodes = new Map<string, number>()
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (await readFile(file, 'utf8').catch(() => '')).split('\n').slice(1)) {
      const [, local = '', , state, , , , owner, , inode = ''] = line.trim().split(/\s+/)
      const port = Number.parseInt(local.split(':')[1] ?? '', 16)
      if (state !== LISTEN || !(port >= FIRST_PORT)) continue
      // Other accounts' ports are none of this workspace.
      if (uid !== 0 && uid !== undefined && Number(owner) !== uid) continue
      inodes.set(inode, port)
    }
  }
  const names = await processNames(new Set(inodes.keys()))
  const ports = new Map<number, ListeningPort>()
  for (const [inode, port] of inodes)
    ports.set(port, { process_name: names.get(inode) ?? '', network: 'tcp', port })
  return [...ports.values()].sort((a, b) => a.port - b.port)
}

async function processNames(wanted: ReadonlySet<string>): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>()
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue
    // Processes end while we look, and others' files are closed to us.
    const files = await readdir(`/proc/${pid}/fd`).catch(() => [])
    for (const file of files) {
      const link = await readlink(`/proc/${pid}/fd/${file}`).catch(() => '')
      const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1]
      if (inode === undefined || !wanted.has(inode) || names.has(inode)) continue
      names.set(inode, (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim())
    }
  }
  return names
}
