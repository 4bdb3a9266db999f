import { useState } from 'react'

import { classNames } from '../ui/class-names.ts'

/** Longer prompts are folded. */
const LINES = 6
const CHARACTERS = 480

/** What the task was asked for, in the place where people look for their own words. */
export function TaskPrompt({ prompt }: { readonly prompt: string }) {
  const long = prompt.split('\n').length > LINES || prompt.length > CHARACTERS
  const [open, setOpen] = useState(false)
  return (
    <section aria-label="Prompt" className="ml-auto flex w-fit max-w-[88%] flex-col items-start">
      <h2 className="mb-1 text-xs font-medium text-ink-3">Prompt</h2>
      <div className="w-full rounded-card bg-accent-wash px-3.5 py-2.5">
        <p
          className={classNames(
            'whitespace-pre-wrap text-base leading-relaxed [overflow-wrap:anywhere]',
            long && !open && 'line-clamp-6',
          )}
        >
          <bdi>{prompt}</bdi>
        </p>
        {long ? (
          <button
            type="button"
            aria-expanded={open}
            onClick={() => setOpen(!open)}
            className="mt-1 text-sm font-medium text-accent hover:underline"
          >
            {open ? 'Show less' : 'Show all of it'}
          </button>
        ) : null}
      </div>
    </section>
  )
}
