/** What the program around an embedded chat may tell it (UI-1154). */
export type ParentMessage =
  | { readonly kind: 'session'; readonly token: string }
  | { readonly kind: 'theme'; readonly theme: string }

/** Reads a message that came to the window; undefined for one that is none of ours. */
export function readParentMessage(data: unknown): ParentMessage | undefined {
  const type = member(data, 'type')
  const payload = member(data, 'payload')
  if (type === 'coder:vscode-auth-bootstrap') {
    const token = member(payload, 'token')
    return typeof token === 'string' && token !== '' ? { kind: 'session', token } : undefined
  }
  if (type === 'coder:set-theme') {
    const theme = member(payload, 'theme')
    return typeof theme === 'string' ? { kind: 'theme', theme } : undefined
  }
  return undefined
}

type OwnMessage =
  | { readonly type: 'coder:vscode-ready'; readonly payload: { readonly agentId: string } }
  | { readonly type: 'coder:chat-ready' }
  | { readonly type: 'coder:navigate'; readonly payload: { readonly url: string } }

/** Programs have origins of their own that nobody can list, and nothing that is told is a secret. */
export function tellParent(message: OwnMessage): void {
  window.parent.postMessage(message, '*')
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
