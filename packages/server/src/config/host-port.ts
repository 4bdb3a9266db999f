/** Where a listener binds. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

/** Parts of `host:port`, `:port` (every IPv4 interface) or `[v6 address]:port` (OP-3); undefined for other text. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s[\]/]*)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) return undefined
  return { host: match[1] ?? (match[2] || '0.0.0.0'), port }
}

/** The text that {@link parseHostPort} reads back as `address`. */
export function formatHostPort({ host, port }: HostPort): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
