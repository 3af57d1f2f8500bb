import type { Texts } from './texts';

export const problems: Texts['problems'] = {
  databaseReadOnly: {
    what: 'Die Datenbank nimmt nichts an: Nachrichten werden weder angenommen noch gesendet.',
    next: 'Prüfen Sie, ob DATABASE_URL zum primären Server führt und ob dessen Platte voll ist.',
  },
  queueDown: {
    what: 'Die Warteschlange ist nicht erreichbar oder nimmt nichts an: Nachrichten werden angenommen und gesendet, sobald sie zurück ist.',
    next: 'Starten Sie den Server von QUEUE_URL, oder prüfen Sie, ob sein Speicher voll ist. Alle Arbeit wird danach wieder eingereiht.',
  },
  clockWrong: {
    what: (process) => `Die Uhr von ${process} geht falsch: bis sie richtig geht, sendet dieser Prozess nichts.`,
    next: 'Vergleichen Sie die Uhren der Datenbank und dieses Rechners, und starten Sie deren Zeitdienst.',
  },
  standbyBehind: {
    what: 'Der Standby von DATABASE_READ_URL fehlt oder ist zu weit zurück: Berichte und Listen kommen vom primären Server.',
    next: 'Prüfen Sie die Replikation des Standbys.',
  },
  auditBehind: {
    what: (receiver) => `Ereignisse des Audits erreichen den Empfänger (${receiver}) nicht`,
    noScheduler: 'kein Scheduler sendet sie',
    next: 'Prüfen Sie den Empfänger von AUDIT_SYSLOG_URL oder AUDIT_FILE. Die Ereignisse bleiben und werden in ihrer Reihenfolge gesendet.',
  },
  noWorker: {
    what: 'Es läuft kein Prozess mit der Rolle worker, und Zustellungen warten.',
    next: 'Starten Sie einen Prozess mit ROLES=worker. Sollte einer laufen, sagt sein Log, warum er geendet hat.',
  },
  noScheduler: {
    what: 'Es läuft kein Prozess mit der Rolle scheduler, und Kampagnen oder geplante Nachrichten sind fällig.',
    next: 'Starten Sie einen Prozess mit ROLES=scheduler. Sollte einer laufen, sagt sein Log, warum er geendet hat.',
  },
  applicationStopped: {
    what: 'Die Anwendung wurde angehalten: nichts von ihr wird gesendet.',
    whatBy: (name) => `Die Anwendung wurde von ${name} angehalten: nichts von ihr wird gesendet.`,
    next: 'Heben Sie die Sperre auf, wenn ihr Grund vorbei ist: in der Übersicht der Anwendung.',
  },
  providerPaused: {
    what: 'Das Senden ist angehalten',
    next: 'Berichtigen Sie die Einstellungen des Anbieters, das beendet die Pause; oder setzen Sie ihn auf der Seite Anbieter fort.',
  },
  credentialEnds: {
    what: (time) => `Das Zertifikat läuft ab: ${time}.`,
    over: (time) => `Das Zertifikat ist abgelaufen: ${time}.`,
    next: 'Speichern Sie ein neues Zertifikat in den Einstellungen des Anbieters, oder einen Schlüssel für Token, der nicht abläuft.',
  },
  certificateEnds: {
    what: (time) => `Das Zertifikat dieses Servers endet: ${time}.`,
    next: 'Ersetzen Sie die Dateien von TLS_CERT_FILE und TLS_KEY_FILE, und senden Sie jedem Prozess SIGHUP.',
  },
  secretEnds: {
    what: (client, time) => `Das Geheimnis des Clients ${client} endet, und kein anderes folgt: ${time}.`,
    next: 'Wechseln Sie das Geheimnis mit einer Überlappung, in der das Backend das neue übernimmt; oder sperren Sie den Client.',
  },
  webhookFailing: {
    what: (name) => `Der Webhook ${name} nimmt keine Ereignisse an`,
    next: 'Reparieren Sie den Endpunkt: seine Ereignisse bleiben und werden wieder versucht.',
  },
};

export const firingNotes: Texts['firingNotes'] = {
  recipientTime:
    'Zu dieser Zeit nach der Uhr jedes Empfängers; überspringt eine Uhr sie, zur nächsten Minute, die es gibt.',
  gap: (time, zone, instead) => `${time} gibt es in ${zone} nicht: die Kampagne sendet um ${instead}.`,
  fold: (time, zone) => `${time} kommt in ${zone} zweimal: die Kampagne sendet beim ersten Mal.`,
  held: (waves, all) => `Die Ruhezeit hält ${waves} von ${all} Wellen bis zu ihrem Ende auf.`,
  dropped: (waves, all) => `Die Ruhezeit verwirft ${waves} von ${all} Wellen.`,
  afterTtl: 'Zustellungen, die nach der Gültigkeit fällig sind, werden nicht gesendet.',
};
