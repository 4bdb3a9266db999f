import { useEffect, useRef, useState } from 'react'

import {
  streamChatGit,
  type WorkspaceAgentGitServerMessage,
  type WorkspaceAgentRepoChanges,
} from '@slipway/contract'
import { requestPath } from '../api/http.ts'
import { type LiveSocket, openLiveSocket } from '../api/live-socket.ts'

/** What the working repositories of a chat's workspace say. */
interface GitChanges {
  /** By their folder; one that was changed stays when it is clean again (UI-1142). */
  readonly repositories: readonly WorkspaceAgentRepoChanges[] | undefined
  readonly connected: boolean
  readonly fault: string | undefined
  /** Asks for a look at once; false while there is no connection. */
  readonly refresh: () => boolean
}

/** Follows the working repositories while `chat` is set. A workspace that cannot be watched is left alone. */
export function useGitChanges(chat: string | undefined): GitChanges {
  const [repositories, setRepositories] = useState<readonly WorkspaceAgentRepoChanges[]>()
  const [connected, setConnected] = useState(false)
  const [fault, setFault] = useState<string>()
  const socket = useRef<LiveSocket>(undefined)
  useEffect(() => {
    setRepositories(undefined)
    setFault(undefined)
    if (chat === undefined) return
    const opened = openLiveSocket({
      path: () => requestPath(streamChatGit.path, { chat }),
      onOpen: () => setConnected(true),
      onDown: () => setConnected(false),
      // Without an agent that answers there is nothing to come back for (UI-1142).
      optional: true,
      onMessage: (frame) => {
        if (!isGitMessage(frame)) return
        setFault(
          frame.type === 'error' ? (frame.message ?? 'The repositories could not be read.') : undefined,
        )
        if (frame.type === 'changes')
          setRepositories((known) => merged(known ?? [], frame.repositories ?? []))
      },
    })
    socket.current = opened
    return () => {
      socket.current = undefined
      setConnected(false)
      opened[Symbol.dispose]()
    }
  }, [chat])
  return {
    repositories,
    connected,
    fault,
    refresh: () => socket.current?.send(JSON.stringify({ type: 'refresh' })) ?? false,
  }
}

/** News of repositories on top of what was known; those that are gone go. */
export function merged(
  known: readonly WorkspaceAgentRepoChanges[],
  news: readonly WorkspaceAgentRepoChanges[],
): readonly WorkspaceAgentRepoChanges[] {
  const byRoot = new Map(known.map((one) => [one.repo_root, one]))
  for (const one of news) {
    if (one.removed === true) byRoot.delete(one.repo_root)
    else byRoot.set(one.repo_root, one)
  }
  return [...byRoot.values()].sort((a, b) => (a.repo_root < b.repo_root ? -1 : 1))
}

function isGitMessage(frame: unknown): frame is WorkspaceAgentGitServerMessage {
  return (
    typeof frame === 'object' &&
    frame !== null &&
    'type' in frame &&
    (frame.type === 'changes' || frame.type === 'error')
  )
}
