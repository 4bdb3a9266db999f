import { JsonView } from './json-view.tsx'
import type { ToolCall } from './rows.ts'
import { argsOf, type Data, errorOf, list, resultOf } from './tool-data.ts'

const COLUMNS: Readonly<
  Record<string, { readonly list: string; readonly columns: readonly (readonly [string, string])[] }>
> = {
  list_templates: {
    list: 'templates',
    columns: [
      ['display_name', 'Template'],
      ['description', 'About'],
      ['active_developers', 'Developers'],
    ],
  },
  list_agents: {
    list: 'agents',
    columns: [
      ['title', 'Subagent'],
      ['type', 'Type'],
      ['status', 'Status'],
    ],
  },
  list_subagent_models: {
    list: 'models',
    columns: [
      ['display_name', 'Model'],
      ['model', 'Id'],
    ],
  },
  find_tools: {
    list: 'matches',
    columns: [
      ['name', 'Tool'],
      ['description', 'About'],
    ],
  },
  process_list: {
    list: 'processes',
    columns: [
      ['command', 'Command'],
      ['process_id', 'Process'],
      ['running', 'Running'],
    ],
  },
}

/** Results that are lists, as a small table; as JSON when they are not what was expected. */
export function TableBody({ call }: { readonly call: ToolCall }) {
  const shape = COLUMNS[call.name]
  const items = shape === undefined ? [] : list(resultOf(call), shape.list)
  if (shape === undefined || items.length === 0) return <JsonBody call={call} />
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it only when it has the focus.
    <div className="max-h-80 overflow-auto rounded-card border border-line" tabIndex={0}>
      <table className="w-full text-left text-xs">
        <thead>
          <tr className="border-b border-line bg-bg text-ink-2">
            {shape.columns.map(([key, label]) => (
              <th key={key} scope="col" className="px-3 py-1.5 font-medium">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((item, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: what tools list has no certain identity.
            <tr key={index} className="border-b border-line last:border-0">
              {shape.columns.map(([key]) => (
                <td key={key} className="max-w-80 truncate px-3 py-1.5">
                  {cell(item, key)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function cell(item: Data, key: string): string {
  const value = item[key] ?? (key === 'display_name' ? (item.name ?? item.model) : undefined)
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

/** Any call: what went in, what came out, and the error in words (UI-1137). */
export function JsonBody({ call }: { readonly call: ToolCall }) {
  const error = errorOf(call)
  return (
    <div className="flex flex-col gap-2">
      {error === undefined ? null : <p className="whitespace-pre-wrap text-sm text-bad">{error}</p>}
      <JsonView label="Input" value={argsOf(call)} />
      {call.result?.result === undefined ? null : <JsonView label="Output" value={call.result.result} />}
    </div>
  )
}
