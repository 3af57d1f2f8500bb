import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, bodyOf } from '../../../api/client';
import { Failure } from '../../../api/failure';
import { isSame } from '../../../parts/same';
import { campaignQuery, campaignsKey } from '../read-campaigns';
import { definitionOf } from './definition';
import { hasChanged } from './form';
import type { EditorDraft } from './form';

const BASE = '/imfpush/v1/apps/{applicationId}/campaigns';
/** The API refuses unknown fields, so that nothing that a person typed is dropped. */
const STRICT = { Prefer: 'handling=strict' };

interface Use {
  app: string;
  /** Undefined: a new campaign. */
  id: string | undefined;
  onSaved: (id: string) => void;
}

/** Saves the draft over the version that it was made from, and over no other. */
export function useSave({ app, id, onSaved }: Use) {
  const queries = useQueryClient();
  const mutationKey = ['save-campaign', app, id];
  const saving = useMutation<string, Error, EditorDraft>({
    mutationKey,
    mutationFn: async (draft) => {
      const { base, definition } = draft;
      if (id === undefined) {
        const params = { path: { applicationId: app }, header: STRICT };
        return (await bodyOf(api.POST(BASE, { params, body: definition }))).campaignId;
      }
      if (!hasChanged(draft)) return id;
      const params = {
        path: { applicationId: app, campaignId: id },
        header: { ...STRICT, 'If-Match': base?.etag ?? '' },
      };
      try {
        await bodyOf(api.PUT(`${BASE}/{campaignId}`, { params, body: definition }));
      } catch (error) {
        if (!(error instanceof Failure && error.isChanged)) throw error;
        // Another version: the screen shows both. Or this one, and the answer to an earlier press was lost.
        const current = await queries.fetchQuery({ ...campaignQuery(app, id), staleTime: 0 });
        if (!isSame(definitionOf(current), definition)) throw error;
      }
      return id;
    },
    onSuccess: async (saved) => {
      await queries.invalidateQueries({ queryKey: campaignsKey(app) });
      onSaved(saved);
    },
  });
  // The second click of a double click comes before the button is drawn again.
  const save = (draft: EditorDraft): void => {
    if (queries.isMutating({ mutationKey }) === 0) saving.mutate(draft);
  };
  return { ...saving, save };
}
