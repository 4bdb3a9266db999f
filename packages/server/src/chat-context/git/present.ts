import type { ChatDiffStatus } from '@slipway/contract'
import type { DiffStatusRow } from '../store/diff-statuses.ts'

/** What is known of a branch, as the API shows it. */
export function presentDiffStatus(row: DiffStatusRow): ChatDiffStatus {
  const optional = {
    url: row.url,
    pull_request_state: row.pull_request_state,
    author_login: row.author_login,
    author_avatar_url: row.author_avatar_url,
    base_branch: row.base_branch,
    head_branch: row.head_branch,
    pr_number: row.pr_number,
    commits: row.commits,
    approved: row.approved,
    reviewer_count: row.reviewer_count,
    refreshed_at: row.refreshed_at?.toISOString() ?? null,
    stale_at: row.stale_at.toISOString(),
  }
  return {
    chat_id: row.chat_id,
    pull_request_title: row.pull_request_title,
    pull_request_draft: row.pull_request_draft,
    changes_requested: row.changes_requested,
    additions: row.additions,
    deletions: row.deletions,
    changed_files: row.changed_files,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== null)),
  }
}
