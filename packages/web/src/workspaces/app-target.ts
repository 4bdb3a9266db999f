import type { WorkspaceApp } from '@slipway/contract'
import { paths } from '../paths.ts'

/** Where an app's button leads. */
export type AppTarget =
  | { readonly kind: 'link'; readonly href: string; readonly slim: boolean }
  /** Inside the dashboard. */
  | { readonly kind: 'page'; readonly href: string }
  /** A program on the viewer's machine; the address gets a fresh key only when it is clicked (UI-726). */
  | { readonly kind: 'program'; readonly url: string; readonly needsKey: boolean }
  | { readonly kind: 'none'; readonly reason: string }

const TOKEN = '$SESSION_TOKEN'
/** Programs that may be handed a key of the viewer (UI-726). */
const TRUSTED = new Set(
  'vscode vscode-insiders windsurf devin cursor jetbrains-gateway jetbrains kiro positron antigravity'.split(
    ' ',
  ),
)
/** Addresses that the browser itself would run. */
const FORBIDDEN = new Set(['javascript:', 'data:', 'vbscript:', 'blob:', 'file:'])

/** The longest label of a host name (RFC 1035 §2.3.4). */
const LABEL = 63

/** Where apps and ports of an agent are. */
export interface AppPlace {
  readonly owner: string
  readonly workspace: string
  readonly agent: string
  /** Such as `*.apps.example.com`; empty without one. */
  readonly appHost: string
  readonly protocol: string
}

/** Where the button of an app leads (UI-725). */
export function appTarget(app: WorkspaceApp, place: AppPlace): AppTarget {
  const slim = app.open_in === 'slim-window'
  if (app.external) return externalTarget(app.url ?? '', slim)
  if (app.command !== undefined && app.command !== '')
    return {
      kind: 'page',
      href: paths.terminal(place.owner, place.workspace, place.agent, { app: app.slug }),
    }
  if (!app.subdomain)
    return { kind: 'link', href: paths.pathApp(place.owner, place.workspace, place.agent, app.slug), slim }
  return hostTarget(app.subdomain_name, place, slim)
}

/**
 * Where a port of an agent leads (UI-728, AC-181): its number has four digits at least, and `s` behind it asks for HTTPS
 * inside the workspace.
 */
export function portTarget(port: number, tls: boolean, place: AppPlace): AppTarget {
  const number = `${String(port).padStart(4, '0')}${tls ? 's' : ''}`
  return hostTarget(`${number}--${place.agent}--${place.workspace}--${place.owner}`, place, false)
}

function hostTarget(name: string | undefined, place: AppPlace, slim: boolean): AppTarget {
  if (place.appHost === '' || name === undefined)
    return { kind: 'none', reason: 'This deployment has no host name for apps: set a wildcard access URL.' }
  const [label = '', ...suffix] = place.appHost.replace('*', name).split('.')
  if (label.length > LABEL)
    return {
      kind: 'none',
      reason: `Its host name would be longer than ${LABEL} characters. A shorter name of the workspace helps.`,
    }
  return { kind: 'link', href: `${place.protocol}//${[label, ...suffix].join('.')}/`, slim }
}

function externalTarget(text: string, slim: boolean): AppTarget {
  const url = URL.parse(text)
  if (url === null || FORBIDDEN.has(url.protocol))
    return { kind: 'none', reason: `The template gives an address that cannot be opened: ${text}` }
  if (url.protocol === 'http:' || url.protocol === 'https:') return { kind: 'link', href: url.href, slim }
  const needsKey = text.includes(TOKEN) && TRUSTED.has(url.protocol.slice(0, -1))
  return { kind: 'program', url: text, needsKey }
}

/** The address of a program with the viewer's key in it. */
export function withKey(url: string, key: string): string {
  return url.replaceAll(TOKEN, encodeURIComponent(key))
}

/** Opens a folder of a workspace in VS Code over its remote extension (UI-727). */
export function editorUrl(
  scheme: 'vscode' | 'vscode-insiders',
  place: {
    readonly owner: string
    readonly workspace: string
    readonly agent: string
    readonly folder: string
  },
  origin: string,
  key: string,
): string {
  const query = new URLSearchParams({
    owner: place.owner,
    workspace: place.workspace,
    agent: place.agent,
    ...(place.folder === '' ? {} : { folder: place.folder }),
    url: origin,
    token: key,
    openRecent: 'true',
  })
  return `${scheme}://coder.coder-remote/open?${query}`
}
