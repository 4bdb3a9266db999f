import { useEffect, useRef, useState } from 'react'

import { paths } from '../paths.ts'
import { refreshMcpServers } from './queries.ts'

const WINDOW = 'popup,width=640,height=760'
const LOOK_MS = 500

interface Connecting {
  /** Whether a window stands open for it. */
  readonly busy: boolean
  /** The browser did not let the window open. */
  readonly blocked: boolean
  readonly connect: () => void
}

interface ServerRef {
  readonly id: string
  readonly organization_id: string
}

/**
 * Connects the viewer to an MCP server in a window of its own (UI-1120). Only that window is believed, and only about the
 * server it was opened for; one that is closed without a word ends the wait.
 */
export function useConnect({ id, organization_id: organization }: ServerRef): Connecting {
  const opened = useRef<Window | null>(null)
  const [busy, setBusy] = useState(false)
  const [blocked, setBlocked] = useState(false)
  useEffect(() => {
    if (!busy) return
    const end = () => {
      opened.current = null
      setBusy(false)
      void refreshMcpServers()
    }
    const hear = (event: MessageEvent<unknown>) => {
      if (event.origin === location.origin && event.source === opened.current && isFor(event.data, id)) end()
    }
    const look = setInterval(() => {
      if (opened.current?.closed !== false) end()
    }, LOOK_MS)
    window.addEventListener('message', hear)
    return () => {
      clearInterval(look)
      window.removeEventListener('message', hear)
    }
  }, [busy, id])
  const connect = () => {
    if (busy && opened.current !== null) {
      opened.current.focus()
      return
    }
    opened.current = window.open(paths.connectMcpServer(organization, id), `mcp-${id}`, WINDOW)
    setBlocked(opened.current === null)
    setBusy(opened.current !== null)
  }
  return { busy, blocked, connect }
}

function isFor(data: unknown, id: string): boolean {
  return (
    typeof data === 'object' &&
    data !== null &&
    'type' in data &&
    data.type === 'mcp-oauth2-complete' &&
    'serverID' in data &&
    data.serverID === id
  )
}
