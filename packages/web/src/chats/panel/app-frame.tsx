import { ExternalLink, Hourglass, RotateCw } from 'lucide-react'
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react'

import { Button, buttonClass } from '../../ui/button.tsx'
import { EmptyState } from '../../ui/empty-state.tsx'
import { Spinner } from '../../ui/spinner.tsx'
import { addressWithin } from './framing.ts'

/** What a page in the frame may do; only on origins other than ours (UI-2007). */
const SANDBOX = 'allow-scripts allow-same-origin allow-forms allow-popups allow-downloads'
const ALLOW = 'clipboard-read; clipboard-write; fullscreen'
const SLOW_AFTER_MS = 8000

/**
 * A page of the workspace in a frame, with its address, and ways to load it again and to open it in a tab. Where somebody
 * goes inside of it cannot be seen from here: the address is the one that was asked for.
 */
export function AppFrame({
  base,
  name,
  prefix,
  where,
  waiting,
  note,
}: {
  /** First address, on an origin of its own. */
  readonly base: string
  readonly name: string
  /** What stands before the path: the port, or the name of the app. */
  readonly prefix: string
  /** Name of the workspace. */
  readonly where: string
  /** Its health check has not been answered yet. */
  readonly waiting: boolean
  readonly note: ReactNode
}) {
  const [url, setUrl] = useState(base)
  const [round, setRound] = useState(0)
  const [impatient, setImpatient] = useState(false)
  const [stage, setStage] = useState<'loading' | 'slow' | 'there'>('loading')
  const shown = !waiting || impatient
  // biome-ignore lint/correctness/useExhaustiveDependencies: each load is waited for anew.
  useEffect(() => {
    if (!shown) return
    setStage('loading')
    const timer = setTimeout(() => setStage((now) => (now === 'loading' ? 'slow' : now)), SLOW_AFTER_MS)
    return () => clearTimeout(timer)
  }, [shown, url, round])
  return (
    <section aria-label={`${name} in ${where}`} className="flex min-h-0 flex-1 flex-col">
      <div className="flex h-10 shrink-0 items-center gap-1 border-b border-line px-1.5">
        <Button
          tone="quiet"
          size="icon"
          aria-label={`Load ${name} again`}
          title="Load again"
          disabled={!shown}
          onClick={() => setRound(round + 1)}
          icon={<RotateCw className="size-4" strokeWidth={1.75} />}
        />
        <AddressField
          key={url}
          base={base}
          url={url}
          prefix={prefix}
          name={name}
          onGo={(next) => {
            setUrl(next)
            setRound(round + 1)
          }}
        />
        <a
          href={url}
          target="_blank"
          rel="noopener noreferrer"
          aria-label={`Open ${name} in a new tab`}
          title="Open in a new tab, for pages that let nobody frame them, too"
          className={buttonClass({ tone: 'quiet', size: 'icon' })}
        >
          <ExternalLink className="size-4" strokeWidth={1.75} aria-hidden="true" />
        </a>
      </div>
      {note === undefined || !shown ? null : (
        <p
          role="status"
          className="flex shrink-0 items-center gap-2 border-b border-line bg-warn-wash px-3 py-1.5 text-xs"
        >
          {note}
        </p>
      )}
      {shown ? (
        <div className="relative min-h-0 flex-1">
          <iframe
            key={round}
            src={url}
            title={`${name} in ${where}`}
            sandbox={SANDBOX}
            allow={ALLOW}
            referrerPolicy="no-referrer"
            onLoad={() => setStage('there')}
            className="absolute inset-0 size-full border-0 outline-offset-[-2px]"
          />
          {stage === 'there' ? null : (
            <p
              role="status"
              className="absolute inset-x-3 top-3 mx-auto flex w-fit animate-fade items-center gap-2 rounded-card border border-line bg-raised px-3 py-1.5 text-sm text-ink-2 shadow-float"
            >
              <Spinner />
              {stage === 'loading' ? `Loading ${name}` : `${name} takes long to answer`}
            </p>
          )}
        </div>
      ) : (
        <EmptyState
          icon={Hourglass}
          title={`${name} is starting`}
          action={<Button onClick={() => setImpatient(true)}>Show it anyway</Button>}
        >
          <span className="inline-flex items-center gap-2">
            <Spinner /> It has not answered its health check yet.
          </span>
        </EmptyState>
      )}
    </section>
  )
}

/** Path within the app; Enter goes there. */
function AddressField({
  base,
  url,
  prefix,
  name,
  onGo,
}: {
  readonly base: string
  readonly url: string
  readonly prefix: string
  readonly name: string
  readonly onGo: (url: string) => void
}) {
  const { pathname, search, hash } = new URL(url)
  const path = pathname + search + hash
  const [text, setText] = useState(path)
  const [wrong, setWrong] = useState(false)
  const field = useRef<HTMLInputElement>(null)
  const id = useId()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const next = addressWithin(text, base)
    if (next === undefined) {
      setWrong(true)
      return
    }
    onGo(next)
  }
  return (
    <form
      onSubmit={submit}
      className="relative flex h-7 min-w-0 flex-1 items-center rounded-control border border-line bg-bg px-2 text-sm has-[:focus-visible]:border-accent has-[[aria-invalid]]:border-bad pointer-coarse:h-9"
    >
      <label htmlFor={id} className="mr-1.5 max-w-[45%] shrink-0 truncate text-ink-3">
        <span className="sr-only">Path within {name}</span>
        <span aria-hidden="true">{prefix}</span>
      </label>
      <input
        ref={field}
        id={id}
        value={text}
        spellCheck={false}
        autoCapitalize="none"
        autoComplete="off"
        aria-invalid={wrong || undefined}
        aria-describedby={wrong ? `${id}-wrong` : undefined}
        title={url}
        onChange={({ target }) => {
          setText(target.value)
          setWrong(false)
        }}
        onKeyDown={(event) => {
          if (event.key !== 'Escape' || text === path) return
          event.preventDefault()
          event.stopPropagation()
          setText(path)
          setWrong(false)
        }}
        className="h-full min-w-0 flex-1 bg-transparent font-mono text-xs outline-none"
      />
      {wrong ? (
        <p
          id={`${id}-wrong`}
          role="alert"
          className="absolute inset-x-0 top-full z-10 mt-1 rounded-control border border-line bg-raised px-2 py-1 text-xs text-bad shadow-float"
        >
          Only addresses of {name} can be opened here.
        </p>
      ) : null}
    </form>
  )
}
