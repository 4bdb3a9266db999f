import { readFileSync } from 'node:fs'

/** The protocol level that this command speaks; servers of another one get a warning (OP-112). */
const COMPATIBLE = '2.36.0'

/** This command's own version, with the level it is compatible with in front, as servers report theirs. */
export function ownVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const version =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest
      ? String(manifest.version)
      : '0.0.0'
  return `v${COMPATIBLE}+slipway.${version}`
}

/** What to tell somebody whose server is of another major or minor version; undefined when they fit (OP-112). */
export function versionWarning(server: string, url: string, own = ownVersion()): string | undefined {
  const [theirs, ours] = [levelOf(server), levelOf(own)]
  if (theirs === undefined || theirs === ours || server.includes('v0.0.0')) return undefined
  return (
    `version mismatch: this command is ${own}, the server is ${server}\n` +
    `  Get the server's own command: curl -fsSL ${url}/install.sh | sh\n`
  )
}

function levelOf(version: string): string | undefined {
  return /^v?(\d+\.\d+)\./.exec(version)?.[1]
}
