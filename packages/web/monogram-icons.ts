import { readdirSync } from 'node:fs'

import type { Plugin } from 'vite'

/** Names that templates in the field use (UI-106). */
const NAMES = [
  'aider airflow almalinux amazon-q android-studio ansible anthropic antigravity apache-guacamole apple-black apple-grey',
  'argo-workflows auggie auto-dev-server aws aws-dark aws-light aws-monochrome azure azure-devops bitbucket centos',
  'charm-crush claude clion code code-insiders coder conda confluence container copyparty cpp cursor database datagrip',
  'dataspell dcv debian desktop devcontainers devin discord do docker docker-white dotfiles dotnet elixir fedora',
  'filebrowser fleet fly.io folder gateway gcp gemini gemini-monochrome git gitea github github-copilot gitlab go goland',
  'google goose image intellij java javascript jax jetbrains jetbrains-toolbox jfrog junie jupyter k8s kasmvnc keycloak',
  'kilo-code kiro kotlin lakefs linear lxc matlab memory microsoft microsoft-teams mlflow mux nextflow nexus-repository',
  'nix node nodejs nomad novnc okta omnigent openai openai-codex opencode openwebui perplexica personalize php phpstorm',
  'positron postgres projector pycharm python pytorch rdp rider rockylinux roo-code rproject rstudio ruby rubymine rust',
  'rustdesk rustrover slack sourcegraph-amp supabase swift tasks tensorflow terminal texlive theia tmux typescript ubuntu',
  'vault vercel vsphere webstorm widgets windows windsurf zed',
].flatMap((line) => line.split(' '))

/** What a thing is called in short where that is not how its name begins. */
const SHORT: Readonly<Record<string, string>> = {
  aws: 'aws',
  clion: 'CL',
  cpp: 'C++',
  datagrip: 'DG',
  dataspell: 'DS',
  dcv: 'dcv',
  do: 'DO',
  dotnet: '.NET',
  gcp: 'GCP',
  go: 'Go',
  goland: 'GL',
  intellij: 'IJ',
  javascript: 'JS',
  jetbrains: 'JB',
  k8s: 'k8s',
  lxc: 'LXC',
  novnc: 'VNC',
  php: 'PHP',
  phpstorm: 'PS',
  pycharm: 'PC',
  rdp: 'RDP',
  rider: 'RD',
  rproject: 'R',
  rstudio: 'RS',
  rubymine: 'RM',
  rustrover: 'RR',
  typescript: 'TS',
  webstorm: 'WS',
}

const VARIANT = /-(?:black|dark|grey|light|monochrome|white)$/

/** The initials of a name, of one word its first two letters. */
function lettersOf(name: string): string {
  const plain = name.replace(VARIANT, '')
  const [first = '', second] = plain.split(/[-.]/)
  const letters = second === undefined ? first.slice(0, 2) : `${first[0]}${second[0]?.toUpperCase()}`
  return SHORT[plain] ?? `${letters.slice(0, 1).toUpperCase()}${letters.slice(1)}`
}

function monogram(name: string): string {
  const letters = lettersOf(name)
  const size = letters.length > 3 ? 5.5 : letters.length > 2 ? 6.5 : 9
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect x="3" y="3" width="18" height="18" rx="4.5" fill="none" stroke="#2b8781" stroke-width="1.75"/><text x="12" y="${12 + size * 0.36}" font-family="ui-sans-serif,system-ui,sans-serif" font-size="${size}" font-weight="600" text-anchor="middle" fill="#2b8781">${letters}</text></svg>\n`
}

/** Writes initials for each well-known icon that nobody has drawn: logos are their owners'. */
export function monogramIcons(drawn: string): Plugin {
  return {
    name: 'monogram-icons',
    apply: 'build',
    generateBundle() {
      const known = new Set(readdirSync(drawn))
      for (const name of NAMES.filter((one) => !known.has(`${one}.svg`)))
        this.emitFile({ type: 'asset', fileName: `icon/${name}.svg`, source: monogram(name) })
    },
  }
}
