import { Search } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'

import { TextInput } from '../ui/form.tsx'
import { useSettled } from '../ui/use-settled.ts'

/** Typing rests for so long before rows are looked for, in milliseconds. */
const SETTLE_MS = 150

/** Rows by what is in them; typing counts once it rests. */
export function SearchField({
  words,
  onSearch,
}: {
  readonly words: string
  readonly onSearch: (words: string) => void
}) {
  const [text, setText] = useState(words)
  const settled = useSettled(text, SETTLE_MS)
  /** What the address says by our own doing: anything else in it was changed elsewhere. */
  const told = useRef(words)
  useEffect(() => {
    if (words === told.current) return
    told.current = words
    setText(words)
  }, [words])
  // biome-ignore lint/correctness/useExhaustiveDependencies: only typing that has come to rest is told
  useEffect(() => {
    if (settled === told.current) return
    told.current = settled
    onSearch(settled)
  }, [settled])
  return (
    <div className="relative min-w-40 flex-1 sm:max-w-72">
      <Search
        className="pointer-events-none absolute left-2.5 top-1/2 size-4 -translate-y-1/2 text-ink-3"
        strokeWidth={1.75}
        aria-hidden="true"
      />
      <TextInput
        type="search"
        aria-label="Search tasks"
        placeholder="Name, prompt or message"
        value={text}
        onChange={({ target }) => setText(target.value)}
        className="pl-8"
      />
    </div>
  )
}
