import { useState } from 'react'

const STORAGE = 'slipway.port-protocol.'

/** Whether ports of a workspace are spoken to with TLS; remembered in this browser for each workspace (UI-728). */
export function usePortProtocol(workspaceId: string): readonly [tls: boolean, set: (tls: boolean) => void] {
  const [tls, setTls] = useState(() => read(workspaceId))
  return [
    tls,
    (next) => {
      setTls(next)
      try {
        if (next) localStorage.setItem(STORAGE + workspaceId, 'https')
        else localStorage.removeItem(STORAGE + workspaceId)
      } catch {
        // Storage is switched off: the choice lasts until the page goes (UI-2107).
      }
    },
  ]
}

function read(workspaceId: string): boolean {
  try {
    return localStorage.getItem(STORAGE + workspaceId) === 'https'
  } catch {
    return false
  }
}
