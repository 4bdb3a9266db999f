import { useEffect, useRef } from 'react'

import { type Draft, writeDraft } from './drafts.ts'

const SAVE_MS = 300

/** Keeps what is written, at most half a second late, and when the page goes (UI-1117); without a name it is nobody's. */
export function useKeptDraft(name: string | undefined, draft: Draft): void {
  const latest = useRef(draft)
  const saved = useRef(draft)
  useEffect(() => {
    latest.current = draft
  })
  useEffect(() => {
    if (name === undefined) return
    const save = () => {
      if (saved.current === latest.current) return
      saved.current = latest.current
      writeDraft(name, latest.current)
    }
    window.addEventListener('pagehide', save)
    const timer = setInterval(save, SAVE_MS)
    return () => {
      clearInterval(timer)
      window.removeEventListener('pagehide', save)
      save()
    }
  }, [name])
}
