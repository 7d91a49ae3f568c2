// Docs/runbook as constants: an operator without internet finds them behind the alerts of the page
// (Docs/decisions/0029-page.md). A new runbook needs its lines here.
#include "CPerigeePage.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char Absent[] = {
#embed "../../Docs/runbook/Absent.md"
};
static const unsigned char AuthDenied[] = {
#embed "../../Docs/runbook/AuthDenied.md"
};
static const unsigned char BacklogGrowing[] = {
#embed "../../Docs/runbook/BacklogGrowing.md"
};
static const unsigned char ClockBad[] = {
#embed "../../Docs/runbook/ClockBad.md"
};
static const unsigned char ConfigurationInvalid[] = {
#embed "../../Docs/runbook/ConfigurationInvalid.md"
};
static const unsigned char DropsStarted[] = {
#embed "../../Docs/runbook/DropsStarted.md"
};
static const unsigned char GapsUnexplained[] = {
#embed "../../Docs/runbook/GapsUnexplained.md"
};
static const unsigned char LedgerBroken[] = {
#embed "../../Docs/runbook/LedgerBroken.md"
};
static const unsigned char LinkFlapping[] = {
#embed "../../Docs/runbook/LinkFlapping.md"
};
static const unsigned char ModelMismatch[] = {
#embed "../../Docs/runbook/ModelMismatch.md"
};
static const unsigned char NewEpoch[] = {
#embed "../../Docs/runbook/NewEpoch.md"
};
static const unsigned char OldestUnacked[] = {
#embed "../../Docs/runbook/OldestUnacked.md"
};
static const unsigned char ReferencesLost[] = {
#embed "../../Docs/runbook/ReferencesLost.md"
};
static const unsigned char ResendRatio[] = {
#embed "../../Docs/runbook/ResendRatio.md"
};
static const unsigned char RolledBack[] = {
#embed "../../Docs/runbook/RolledBack.md"
};
static const unsigned char SourceLoss[] = {
#embed "../../Docs/runbook/SourceLoss.md"
};
static const unsigned char SpoolIOError[] = {
#embed "../../Docs/runbook/SpoolIOError.md"
};
static const unsigned char StationSilent[] = {
#embed "../../Docs/runbook/StationSilent.md"
};
static const unsigned char StreamSilent[] = {
#embed "../../Docs/runbook/StreamSilent.md"
};

#define RUNBOOK(name) {#name, {name, sizeof name}}

static const struct perigee_runbook runbooks[] = {
    RUNBOOK(Absent),
    RUNBOOK(AuthDenied),
    RUNBOOK(BacklogGrowing),
    RUNBOOK(ClockBad),
    RUNBOOK(ConfigurationInvalid),
    RUNBOOK(DropsStarted),
    RUNBOOK(GapsUnexplained),
    RUNBOOK(LedgerBroken),
    RUNBOOK(LinkFlapping),
    RUNBOOK(ModelMismatch),
    RUNBOOK(NewEpoch),
    RUNBOOK(OldestUnacked),
    RUNBOOK(ReferencesLost),
    RUNBOOK(ResendRatio),
    RUNBOOK(RolledBack),
    RUNBOOK(SourceLoss),
    RUNBOOK(SpoolIOError),
    RUNBOOK(StationSilent),
    RUNBOOK(StreamSilent),
};

size_t perigee_runbook_count(void) { return sizeof runbooks / sizeof runbooks[0]; }

struct perigee_runbook perigee_runbook_at(size_t index) { return runbooks[index]; }
