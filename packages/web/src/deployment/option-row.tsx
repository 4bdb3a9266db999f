import { Lock } from 'lucide-react'

import { classNames } from '../ui/class-names.ts'
import { CopyableId, CopyButton } from '../ui/copyable.tsx'
import { Mark } from '../ui/form.tsx'
import { isSecret, isSet, type Option, replacements, type Source, sourceOf, valueText } from './options.ts'

const SOURCES: Readonly<Record<Source, string>> = {
  flag: 'from a flag',
  env: 'from the environment',
  yaml: 'from the YAML file',
  default: 'default',
  unset: 'not set',
}

/** One option: what it is for, its value and where that came from, and the three names to set it by. */
export function OptionRow({ option }: { readonly option: Option }) {
  const instead = replacements(option)
  const names = [option.flag === undefined ? undefined : `--${option.flag}`, option.env, option.yaml].filter(
    (name) => name !== undefined && name !== '',
  )
  return (
    <li className="grid gap-x-6 gap-y-2 border-b border-line px-4 py-3 last:border-b-0 md:grid-cols-[minmax(0,1fr)_fit-content(22rem)]">
      <div className="min-w-0">
        <div className="flex flex-wrap items-center gap-2">
          <h3 className="text-sm font-medium">{option.name}</h3>
          {instead.length > 0 ? <Mark>deprecated</Mark> : null}
        </div>
        <p className="max-w-prose text-sm text-ink-2">{option.description}</p>
        {instead.length > 0 ? (
          <p className="text-sm text-warn">
            Use <code>{instead.join(' and ')}</code> instead.
          </p>
        ) : null}
        <div className="mt-1 flex min-w-0 flex-wrap gap-x-4">
          {names.map((name) => (
            <CopyableId key={name} id={name ?? ''} />
          ))}
        </div>
      </div>
      <div className="flex min-w-0 flex-col gap-0.5 md:items-end">
        <Value option={option} />
        <span className={classNames('text-xs', isSet(option) ? 'font-medium text-accent' : 'text-ink-3')}>
          {SOURCES[sourceOf(option)]}
        </span>
      </div>
    </li>
  )
}

function Value({ option }: { readonly option: Option }) {
  if (isSecret(option))
    return (
      <span className="inline-flex items-center gap-1.5 text-sm text-ink-2">
        <Lock className="size-3.5" aria-hidden="true" />
        {isSet(option) ? 'Secret, not shown' : 'Secret'}
      </span>
    )
  const text = valueText(option)
  // Where nothing is set the line below says so.
  if (text === '')
    return sourceOf(option) === 'unset' ? null : <span className="text-sm text-ink-3">empty</span>
  const lines = Array.isArray(option.value) ? text.split(',') : [text]
  return (
    <span className="flex min-w-0 max-w-full items-start gap-1">
      <code className="min-w-0 text-sm [overflow-wrap:anywhere] md:text-right">
        {lines.map((line) => (
          <span key={line} className="block">
            {line}
          </span>
        ))}
      </code>
      <span className="-my-1 -mr-2">
        <CopyButton text={text} label={`Copy the value of ${option.name}`} />
      </span>
    </span>
  )
}
