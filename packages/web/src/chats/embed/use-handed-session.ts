import { useEffect, useState } from 'react'

import { getUser, type User } from '@slipway/contract'
import { api, queries } from '../../api/client.ts'
import { takeEmbedded } from '../../api/embedded.ts'
import { handedSession } from '../../api/handed-session.ts'
import { readTheme, showTheme } from './embed-theme.ts'
import { readParentMessage, tellParent } from './parent-window.ts'

/** So long a program may take before the viewer is told that it is waited for, in milliseconds. */
const PATIENCE_MS = 10_000

export type HandedState =
  | { readonly kind: 'waiting' | 'late' }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'open'; readonly user: User }

/** Asks the program around the page for a session until there is one that the server takes (UI-1154). */
export function useHandedSession(chat: string): readonly [HandedState, retry: () => void] {
  const [state, setState] = useState<HandedState>({ kind: 'waiting' })
  const [attempt, setAttempt] = useState(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt begins anew.
  useEffect(() => {
    let newest: string | undefined
    const timer = setTimeout(() => {
      if (newest === undefined) setState({ kind: 'late' })
    }, PATIENCE_MS)
    const begin = async (token: string) => {
      newest = token
      // What the page brought along belongs to whoever is signed in with this browser.
      for (const property of ['user', 'permissions', 'organizations']) takeEmbedded(property)
      const renewed = handedSession.token !== undefined
      if (!renewed) queries.clear()
      handedSession.begin(token, () =>
        setState({ kind: 'failed', error: new Error('The session has ended.') }),
      )
      try {
        const user = await api.call(getUser, { params: { user: 'me' } })
        if (newest === token)
          setState((now) => (now.kind === 'open' && now.user.id === user.id ? now : { kind: 'open', user }))
      } catch (error) {
        if (newest !== token) return
        handedSession.end()
        setState({ kind: 'failed', error })
      }
    }
    const onMessage = (event: MessageEvent) => {
      if (event.source !== window.parent) return
      const message = readParentMessage(event.data)
      if (message?.kind === 'theme') showTheme(readTheme(message.theme))
      else if (message?.kind === 'session') void begin(message.token)
    }
    window.addEventListener('message', onMessage)
    tellParent({ type: 'coder:vscode-ready', payload: { agentId: chat } })
    return () => {
      newest = ''
      clearTimeout(timer)
      window.removeEventListener('message', onMessage)
    }
  }, [chat, attempt])
  return [
    state,
    () => {
      setState({ kind: 'waiting' })
      setAttempt((before) => before + 1)
    },
  ]
}
