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
  /** `away`: nobody answers, and nobody is asked again by itself. */
  readonly link: 'connecting' | 'connected' | 'away'
  readonly fault: string | undefined
  /** Asks for a look at once, and for a connection where there is none. */
  readonly refresh: () => void
}

/**
 * Follows the working repositories while `chat` is set. A workspace that cannot be watched is left alone (UI-1142).
 *
 * @param where what it depends on who answers: the workspace and its agent.
 */
export function useGitChanges(chat: string | undefined, where: string): GitChanges {
  const [repositories, setRepositories] = useState<readonly WorkspaceAgentRepoChanges[]>()
  const [link, setLink] = useState<GitChanges['link']>('connecting')
  const [fault, setFault] = useState<string>()
  const [attempt, setAttempt] = useState(0)
  const socket = useRef<LiveSocket>(undefined)
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was known is of one chat in one workspace.
  useEffect(() => setRepositories(undefined), [chat, where])
  // biome-ignore lint/correctness/useExhaustiveDependencies: somebody else answers elsewhere, and who was away may be back.
  useEffect(() => {
    setFault(undefined)
    setLink(chat === undefined ? 'away' : 'connecting')
    if (chat === undefined) return
    let opened = false
    const live = openLiveSocket({
      path: () => requestPath(streamChatGit.path, { chat }),
      onOpen: () => {
        opened = true
        setLink('connected')
      },
      onDown: () => setLink(opened ? 'connecting' : 'away'),
      onRefused: () => {
        live[Symbol.dispose]()
        setLink('away')
      },
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
    socket.current = live
    return () => {
      socket.current = undefined
      live[Symbol.dispose]()
    }
  }, [chat, where, attempt])
  return {
    repositories,
    link,
    fault,
    refresh: () => {
      if (socket.current?.send(JSON.stringify({ type: 'refresh' })) !== true) setAttempt(attempt + 1)
    },
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
