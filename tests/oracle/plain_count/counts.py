"""Count every indicator over rows in plain pandas, from NHS England's measures and the catalogue's words alone.

Nothing of pcref_analysis is used. Rows are those of :func:`extract.truth`: one row a record. Codes are written out here
once more, as measures name them; a list of the package that loses a code is a difference. A year is its first calendar
year: 2023 is 1 April 2023 to 31 March 2024.
"""

from __future__ import annotations

import act
import numpy as np
import own_rule
import pandas as pd

DAY = pd.Timedelta(days=1)
DIRECT = {"01", "02", "04", "11"}  # from October 2021; before it 01, 02, 03, 04, 98
DIRECT_BEFORE = {"01", "02", "03", "04", "98"}
CHANGE = pd.Timestamp("2021-10-01")
ATTENDED = {"5", "6"}
COMMUNITY = {"A05", "A06", "A08", "A09", "A12", "A13", "A16", "C03", "C10"}
ACUTE = {"200", "201", "202", "10", "11", "12"}
FOLLOWED_BEDS = ACUTE | {"205", "212", "213", "16", "17", "18"}
NOT_FOLLOWED = {"30", "37", "48", "49", "50", "53", "79", "84", "87"}
PHYSICAL = {"01", "07", "08", "09", "10", "11", "12", "13"}
COLUMNS = ["indicator", "year", "ethnic_group", "events", "at_risk", "total"]


def age(birth: pd.Series, day: pd.Series | pd.Timestamp) -> pd.Series:
    """Return completed years; who was born on 29 February has a birthday on 1 March of other years."""
    day = pd.Series(day, index=birth.index) if isinstance(day, pd.Timestamp) else day
    early = (day.dt.month < birth.dt.month) | ((day.dt.month == birth.dt.month) & (day.dt.day < birth.dt.day))
    return day.dt.year - birth.dt.year - early


def age_at_month_end(birth: pd.Series, day: pd.Series) -> pd.Series:
    """Return completed years at the end of the month: on 28 February who was born on the 29th has had the birthday."""
    return day.dt.year - birth.dt.year - (birth.dt.month > day.dt.month)


def of(column: pd.Series, codes: set[str]) -> pd.Series:
    """Say which values are among the codes; a missing one is not."""
    return column.isin(codes)


def moment(day: pd.Series, time: pd.Series) -> pd.Series:
    """Return day and time of the day; a missing time is midnight."""
    return day + pd.to_timedelta(time.fillna("00:00") + ":00")


class Count:
    """The rows of an extract with what several measures need, and the figures counted so far."""

    def __init__(self, rows: dict[str, pd.DataFrame], population: pd.DataFrame, areas: pd.DataFrame, groups: dict):
        self.rows, self.population, self.figures = rows, population, []
        mpi = rows["MHS001MPI"].sort_values("UniqMonthID")
        person = pd.DataFrame(index=mpi["Person_ID"].unique())
        for column in ("Gender", "PersonBirthDate", "LSOA2021", "LanguageCodePreferred", "GenderSameAtBirth"):
            person[column] = mpi.dropna(subset=column).groupby("Person_ID")[column].last()
        newest = mpi.drop_duplicates("Person_ID", keep="last").set_index("Person_ID")
        person["death"] = newest["PersDeathDate"]
        stated = mpi[mpi["EthnicCategory"].isin(groups)].groupby("Person_ID")["EthnicCategory"].last()
        other = mpi[mpi["EthnicCategory"].isin(["Z", "99"])].groupby("Person_ID")["EthnicCategory"].last()
        person["code"] = stated.reindex(person.index).fillna(other.reindex(person.index))
        person["ethnic_group"] = (
            person["code"].map({**groups, "Z": "Not stated", "99": "Not known"}).fillna("Not known")
        )
        person["resident"] = person["LSOA2021"].isin(areas["lsoa"])
        self.person = person

    # --- the parts ------------------------------------------------------------------------------------------------

    def table(self, name: str) -> pd.DataFrame:
        """Return a table with birth date, death, and the other facts of the person; who died before the year is out."""
        frame = self.rows[name].join(self.person, on="Person_ID")
        return frame[~(frame["death"] < self.first)].reset_index(drop=True)

    def put(self, indicator: str, year: int, events=None, at_risk=None, total=None, people: bool = False) -> None:
        """Keep a figure by ethnic group; people are counted once."""
        parts = {}
        for what, frame in (("events", events), ("at_risk", at_risk), ("total", total)):
            if isinstance(frame, pd.DataFrame):
                frame = frame.drop_duplicates("Person_ID") if people else frame
                parts[what] = frame.groupby("ethnic_group").size()
            elif frame is not None:
                parts[what] = frame
        made = pd.DataFrame(parts).fillna(0).rename_axis("ethnic_group").reset_index()
        self.figures.append(made.assign(indicator=indicator, year=year))

    def rate(self, indicator: str, year: int, rows: pd.DataFrame, at_risk: pd.Series | None = None, **how) -> None:
        """Keep a rate among residents: only what happened to residents counts."""
        among = self.residents() if at_risk is None else at_risk
        self.put(indicator, year, rows[rows["resident"]], among, **how)

    def mean(self, indicator: str, year: int, rows: pd.DataFrame, value: str) -> None:
        """Keep a mean: how many rows, and their sum."""
        self.put(indicator, year, rows, rows, rows.groupby("ethnic_group")[value].sum())

    def share(self, indicator: str, year: int, rows: pd.DataFrame, yes: pd.Series, **how) -> None:
        """Keep a share of rows."""
        self.put(indicator, year, rows[yes.reindex(rows.index).fillna(False).astype(bool)], rows, **how)

    def residents(self, low: int = 0, high: int = 200, sex: str | None = None) -> pd.Series:
        """Return residents of these ages by group; a band that a limit cuts counts with its share of the ages."""
        frame = self.population if sex is None else self.population[self.population["sex"] == sex]
        ends = frame["age_band"].str.extract(r"(\d+)(?:-(\d+))?").astype(float)
        first, last = ends[0], ends[1].fillna(200)
        part = ((np.minimum(last, high) - np.maximum(first, low) + 1) / (last - first + 1)).clip(0, 1)
        return (frame["residents"] * part).groupby(frame["ethnic_group"]).sum()

    def direct(self) -> pd.DataFrame:
        """Return the direct attended contacts: attended, by a mechanism that counts on its day."""
        contact = self.table("MHS201CareContact")
        new = contact["CareContDate"] >= CHANGE
        way = contact["ConsMechanismMH"]
        counts = of(way, DIRECT).where(new, of(way, DIRECT_BEFORE))
        return contact[counts & of(contact["AttendStatus"], ATTENDED)]

    def teams(self) -> pd.Series:
        """Return the set of team types of each referral: those its rows name, else those of the teams they name."""
        details = self.rows["MHS902ServiceTeamDetails"].set_index("TeamID")["ServTeamTypeMH"]
        every = pd.concat([self.rows[name] for name in ("MHS101Referral", "MHS102OtherServiceType")])
        kind = every["ServTeamTypeMH"].fillna(every["TeamID"].map(details))
        both = every.assign(ServTeamTypeMH=kind).dropna(subset="ServTeamTypeMH")
        return both.groupby("UniqServReqID")["ServTeamTypeMH"].agg(set)

    def with_team(self, referral: pd.Series, codes: set[str]) -> pd.Series:
        """Say which referrals are with a team of these types."""
        found = self._teams[self._teams.map(lambda teams: bool(teams & codes))].index
        return referral.isin(found)

    def all(self, years: list[int]) -> pd.DataFrame:
        """Count everything."""
        self._teams, self.sections = self.teams(), act.categories(self.rows)
        self._detentions, self._joined = own_rule.detentions(self.rows), own_rule.joined(self.rows)
        for year in years:
            self.first, self.last = pd.Timestamp(year, 4, 1), pd.Timestamp(year + 1, 3, 31)
            self.community(year)
            self.waits(year)
            self.hospital(year)
            self.discharges(year)
            self.force(year)
            self.orders(year)
            self.local(year)
            self.outcomes(year)
            self.the_act(year)
            self.own_rule(year)
        made = pd.concat(self.figures, ignore_index=True).reindex(columns=COLUMNS)
        return made.fillna({"events": 0, "at_risk": 0, "total": 0})

    def within(self, frame: pd.DataFrame, column: str) -> pd.DataFrame:
        return frame[frame[column].between(self.first, self.last)]

    # --- referrals and contacts -----------------------------------------------------------------------------------

    def community(self, year: int) -> None:
        referral, contact = self.table("MHS101Referral"), self.within(self.table("MHS201CareContact"), "CareContDate")
        begun = referral["ReferralRequestReceivedDate"] <= self.last
        open_ = referral[begun & ~(referral["ServDischDate"] < self.first)]
        self.rate("people_in_contact", year, open_, people=True)
        caseload = self.caseload = open_[open_["ReferRejectionDate"].isna()]
        known = caseload["code"].isin(set("ABCDEFGHJKLMNPRS"))
        self.share("ethnicity_known", year, caseload, known, people=True)
        self.share("ethnicity_other_codes", year, caseload[known], caseload["code"].isin(set("CGLPS")), people=True)
        new = self.within(referral, "ReferralRequestReceivedDate")
        self.rate("new_referrals", year, new)
        self.share("referrals_rejected", year, new, new["ReferRejectionDate"].notna())
        self.share("out_of_area_received", year, new, new["ReasonOAT"].eq("10"))
        seen = contact[of(contact["AttendStatus"], ATTENDED)]
        self.rate("treated_prevalence", year, seen, people=True)
        missed, status = {"2", "3", "7"}, contact["AttendStatus"]
        self.share("non_attendance", year, contact, of(status, missed))
        self.share("cancelled_by_provider", year, contact, of(status, {"4"}))
        kept = contact[of(status, ATTENDED | missed)]
        self.share("non_attendance_offered", year, kept, of(kept["AttendStatus"], missed))
        foreign = seen[seen["LanguageCodePreferred"].notna() & seen["LanguageCodePreferred"].ne("en")]
        asked = foreign[foreign["InterpreterPresentInd"].notna() & foreign["InterpreterPresentInd"].ne("X")]
        needed = of(asked["InterpreterPresentInd"], {"1", "2", "3", "5", "Y", "N"})
        self.share("interpreter_needed", year, asked, needed)
        asked = asked[needed]
        self.share("interpreter_present", year, asked, of(asked["InterpreterPresentInd"], {"1", "2", "3", "Y"}))
        # children: under 18 at referral and at the contact, or at the end of the month of an indirect activity
        received = referral.set_index("UniqServReqID")["ReferralRequestReceivedDate"]
        direct = self.within(self.direct(), "CareContDate")
        indirect = self.within(self.table("MHS204IndirectActivity"), "IndirectActDate")
        direct = direct.assign(day=direct["CareContDate"])
        direct["years"] = age(direct["PersonBirthDate"], direct["day"])
        indirect = indirect.assign(years=age_at_month_end(indirect["PersonBirthDate"], indirect["IndirectActDate"]))
        young = pd.concat([direct, indirect])
        at_referral = age(young["PersonBirthDate"], young["UniqServReqID"].map(received))
        young = young[(at_referral < 18) & (young["years"] < 18)]
        self.rate("cyp_access", year, young, self.residents(0, 17), people=True)
        # adults: two direct contacts in the year on one referral to a community team, without a stay on it in the year
        codes = COMMUNITY | ({"A14", "D05"} if year >= 2023 else set())
        mine = direct[self.with_team(direct["UniqServReqID"], codes) & ~direct["UniqServReqID"].isin(self.stayed())]
        mine = mine[age(mine["PersonBirthDate"], mine["UniqServReqID"].map(received)) >= 18]
        mine = mine[age(mine["PersonBirthDate"], self.first) >= 16]  # of a band of ages in which some are 18
        twice = mine[mine.groupby("UniqServReqID")["UniqCareContID"].transform("nunique") >= 2]
        self.rate("adult_community_access", year, twice, self.residents(18), people=True)
        # perinatal: face to face or by video (which there is from October 2021)
        woman = seen["Gender"].eq("2")  # the women among whom they are counted; the measure has no such limit
        way = of(seen["ConsMechanismMH"], {"01"}) | (
            of(seen["ConsMechanismMH"], {"11"}) & (seen["CareContDate"] >= CHANGE)
        )
        perinatal = self.with_team(seen["UniqServReqID"], {"C02"})
        maternal = self.with_team(seen["UniqServReqID"], {"F02"}) & (seen["CareContDate"] >= CHANGE)
        perinatal |= maternal
        mother = seen[woman & way & perinatal]
        mother = mother[age(mother["PersonBirthDate"], self.first).between(16, 49)]
        self.rate("perinatal_access", year, mother, self.residents(16, 49, "Female"), people=True)

        # individual placement and support: a direct contact on a referral to a team of type D05
        work = direct[self.with_team(direct["UniqServReqID"], {"D05"})]
        work = work[age(work["PersonBirthDate"], self.first).between(16, 64)]
        self.rate("employment_support", year, work, self.residents(16, 64), people=True)

    def stayed(self) -> set[str]:
        """Return the referrals with a hospital stay in the year."""
        spell = self.rows["MHS501HospProvSpell"]
        inside = (spell["StartDateHospProvSpell"] <= self.last) & ~(spell["DischDateHospProvSpell"] < self.first)
        return set(spell.loc[inside, "UniqServReqID"].dropna())

    def waits(self, year: int) -> None:
        referral = self.table("MHS101Referral").set_index("UniqServReqID")
        received = referral["ReferralRequestReceivedDate"]
        direct = self.direct().sort_values("CareContDate", kind="stable")
        second = direct.groupby("UniqServReqID").nth(1)
        second = self.within(second, "CareContDate")
        codes = COMMUNITY | ({"A14", "D05"} if year >= 2023 else set())
        second = second[self.with_team(second["UniqServReqID"], codes) & ~second["UniqServReqID"].isin(self.stayed())]
        asked = second["UniqServReqID"].map(received)
        second = second.assign(days=(second["CareContDate"] - asked).dt.days)
        second = second[(age(second["PersonBirthDate"], asked) >= 18) & (asked >= "2019-04-01") & (second["days"] >= 0)]
        self.mean("wait_second_contact", year, second, "days")
        # psychosis: the later of the first direct contact of the team and the start of a coordinator of the team
        teams = self.with_team(pd.Series(referral.index, index=referral.index), {"A14"})
        eip = referral[referral["PrimReasonReferralMH"].eq("01") & teams & (received >= "2016-01-01")]
        of_team = direct["ContactTeamTypeMH"].eq("A14") | (
            direct["ContactTeamTypeMH"].isna() & self.with_team(direct["UniqServReqID"], {"A14"})
        )
        seen = direct[of_team & (direct["CareContDate"] >= direct["UniqServReqID"].map(received))]
        first = seen.groupby("UniqServReqID")["CareContDate"].min()
        care = self.rows["MHS006MHCareCoord"]
        care = care[care["CareProfServOrTeamTypeAssoc"].eq("A14")]
        pairs = eip.reset_index().merge(care, on="Person_ID")
        day, closed = pairs["StartDateAssCareCoord"], pairs["ServDischDate"]
        pairs = pairs[(day >= pairs["ReferralRequestReceivedDate"]) & ~(day > closed)]
        coordinator = pairs.groupby("UniqServReqID")["StartDateAssCareCoord"].min()
        eip = eip.assign(first=first, coordinator=coordinator).dropna(subset=["first", "coordinator"])
        eip = self.within(eip.assign(stop=eip[["first", "coordinator"]].max(axis=1)), "stop")
        self.share("eip_two_weeks", year, eip, (eip["stop"] - eip["ReferralRequestReceivedDate"]).dt.days <= 14)
        # crisis: the first attended contact face to face at or after the referral, in the same year
        new = self.within(referral, "ReferralRequestReceivedDate")
        new = new[self.with_team(pd.Series(new.index, index=new.index), {"A02", "A18", "A19"})]
        new = new.assign(asked=moment(new["ReferralRequestReceivedDate"], new["ReferralRequestReceivedTime"]))
        contact = self.rows["MHS201CareContact"]
        contact = contact[of(contact["AttendStatus"], ATTENDED) & contact["ConsMechanismMH"].eq("01")]
        contact = self.within(contact, "CareContDate")
        at = moment(contact["CareContDate"], contact["CareContTime"])
        asked = contact["UniqServReqID"].map(new["asked"])
        first = at[at >= asked].groupby(contact["UniqServReqID"]).min()
        new = new.assign(minutes=(first - new["asked"]).dt.total_seconds() / 60).dropna(subset="minutes")
        for indicator, code, limit in (("crisis_very_urgent_4_hours", "4", 240), ("crisis_urgent_24_hours", "2", 1440)):
            some = new[new["ClinRespPriorityType"].eq(code)]
            self.share(indicator, year, some, some["minutes"] <= limit)

    # --- hospital -------------------------------------------------------------------------------------------------

    def hospital(self, year: int) -> None:
        spell = self.table("MHS501HospProvSpell")
        start, end = spell["StartDateHospProvSpell"], spell["DischDateHospProvSpell"]
        self.inpatients = spell[(start <= self.last) & ~(end < self.first)]
        new = self.within(spell, "StartDateHospProvSpell")
        self.rate("hospital_admissions", year, new)
        ward = self.rows["MHS502WardStay"].sort_values(["StartDateWardStay", "EndDateWardStay", "UniqWardStayID"])
        first = ward.drop_duplicates("UniqHospProvSpellID").set_index("UniqHospProvSpellID")["MHAdmittedPatientClass"]
        source = new["SourceAdmMHHospProvSpell"]
        some = new[of(new["UniqHospProvSpellID"].map(first), ACUTE) & source.notna() & ~of(source, {"49", "53", "87"})]
        direct = self.direct().rename(columns={"CareContDate": "day"})
        indirect = self.rows["MHS204IndirectActivity"].rename(columns={"IndirectActDate": "day"})
        touch = pd.concat([direct[["Person_ID", "day"]], indirect[["Person_ID", "day"]]])
        pairs = some[["UniqHospProvSpellID", "Person_ID", "StartDateHospProvSpell"]].merge(touch, on="Person_ID")
        days = (pairs["StartDateHospProvSpell"] - pairs["day"]).dt.days
        seen = set(pairs.loc[days.between(3, 365), "UniqHospProvSpellID"])
        self.share("admission_without_contact", year, some, ~some["UniqHospProvSpellID"].isin(seen))
        # bed days: nights of ward stays, cut at the year; an open one to the day after its end
        stay = self.table("MHS502WardStay")
        left = stay["UniqHospProvSpellID"].map(spell.set_index("UniqHospProvSpellID")["DischDateHospProvSpell"])
        until = stay["EndDateWardStay"].fillna(left)
        touch = (stay["StartDateWardStay"] <= self.last) & ~(until < self.first)
        self.in_beds = set(stay.loc[touch, "Person_ID"])
        begin = stay["StartDateWardStay"].clip(lower=self.first)
        until = until.fillna(self.last + DAY).clip(upper=self.last + DAY)
        self.bed_days = (until - begin).dt.days.clip(lower=0).groupby(stay["ethnic_group"]).sum()
        # delay: the day it starts is not counted, but where it follows another of the stay within a day
        delay = self.table("MHS518ClinReadyforDischarge")
        start, end = delay["StartDateClinReadyforDisch"], delay["EndDateClinReadyforDisch"]
        delay = delay[start != end].sort_values("StartDateClinReadyforDisch", kind="stable")
        start, end = delay["StartDateClinReadyforDisch"], delay["EndDateClinReadyforDisch"]
        before = delay.groupby("UniqHospProvSpellID")["EndDateClinReadyforDisch"].shift()
        left = delay["UniqHospProvSpellID"].map(
            self.rows["MHS501HospProvSpell"].set_index("UniqHospProvSpellID")["DischDateHospProvSpell"]
        )
        end = end.fillna(left)  # one without an end is not submitted again once the stay has ended
        follows = (start - before).dt.days <= 1
        counts_from = (start + DAY).where(~follows, start)
        begin = counts_from.where(start >= self.first, self.first)
        days = (end.fillna(self.last + DAY).clip(upper=self.last + DAY) - begin).dt.days.clip(lower=0)
        days = days[delay["Person_ID"].isin(self.in_beds)]
        self.put("delayed_discharge_days", year, days.groupby(delay["ethnic_group"]).sum(), self.bed_days)

    def discharges(self, year: int) -> None:
        spell = self.table("MHS501HospProvSpell")
        ward = self.rows["MHS502WardStay"]
        gone = ward["UniqHospProvSpellID"].map(spell.set_index("UniqHospProvSpellID")["DischDateHospProvSpell"])
        month = ward["EndDateWardStay"].fillna(gone).dt.strftime("%Y%m")  # in which it was submitted last
        ward = ward.assign(month=month).sort_values(
            ["month", "EndDateWardStay", "StartDateWardStay", "UniqWardStayID"], na_position="first"
        )
        last = ward.drop_duplicates("UniqHospProvSpellID", keep="last").set_index("UniqHospProvSpellID")
        spell["last_bed"] = spell["UniqHospProvSpellID"].map(last["MHAdmittedPatientClass"])
        left = spell["DischDateHospProvSpell"]
        day = ward["UniqHospProvSpellID"].map(spell.set_index("UniqHospProvSpellID")["DischDateHospProvSpell"])
        on_day = ward[ward["EndDateWardStay"].eq(day)].drop_duplicates("UniqHospProvSpellID", keep="last")
        on_day = on_day.set_index("UniqHospProvSpellID")
        spell["bed"] = spell["UniqHospProvSpellID"].map(on_day["MHAdmittedPatientClass"])
        spell["age"] = age_at_month_end(spell["PersonBirthDate"], left)
        spell["length"] = (left - spell["StartDateHospProvSpell"]).dt.days
        spell["dead"] = (spell["death"] - left).dt.days
        place = spell["DestOfDischHospProvSpell"]
        out = of(place, NOT_FOLLOWED) | of(place, {"38"}).where(left < CHANGE, of(place, {"40", "42", "89"}))
        died = of(spell["MethOfDischMHHospProvSpell"], {"4", "5"})
        gone = self.within(spell, "DischDateHospProvSpell")
        for stays, beds, low, high in (
            ("long_stay", {"200", "10"}, 18, 64),
            ("long_stay_older", {"201", "11"}, 65, 200),
        ):
            some = gone[of(gone["bed"], beds) & gone["age"].between(low, high)]
            for days in (60, 90):
                self.put(f"{stays}_{days}_days", year, some[some["length"] >= days], some, people=True)
        self.mean("length_of_stay", year, gone[of(gone["bed"], ACUTE) & (gone["age"] >= 18)], "length")
        alive = gone[~of(gone["DestOfDischHospProvSpell"], {"79"}) & ~died[gone.index] & ~(gone["dead"] < 0)]
        self.share("deaths_within_year", year, alive, alive["dead"].between(0, 365))
        # back within 30 days: another admission, no transfer, on one of the 30 days after
        some = gone[of(gone["last_bed"], ACUTE) & ~(out | died)[gone.index]]
        moved = of(spell["SourceAdmMHHospProvSpell"], {"49", "53", "87"}) | of(
            spell["MethAdmMHHospProvSpell"], {"81", "2B"}
        )
        back = spell.loc[~moved, ["Person_ID", "StartDateHospProvSpell"]].rename(
            columns={"StartDateHospProvSpell": "day"}
        )
        self.share("readmission_30_days", year, some, self.soon(some, back, 30))
        # 72 hours: discharges from 28 March to 27 March
        window = left.between(self.first - 4 * DAY, self.last - 4 * DAY)
        some = spell[window & of(spell["last_bed"], FOLLOWED_BEDS) & ~out & ~died & ~(spell["dead"] <= 3)]
        onward = some.reset_index().merge(self.rows["MHS105OnwardReferral"], on="Person_ID")
        during = onward["OnwardReferDate"].between(onward["StartDateHospProvSpell"], onward["DischDateHospProvSpell"])
        some = some[~some.index.isin(onward.loc[during, "index"])]
        touch = self.direct()[["Person_ID", "CareContDate"]].rename(columns={"CareContDate": "day"})
        again = self.rows["MHS501HospProvSpell"][["Person_ID", "StartDateHospProvSpell"]]
        touch = pd.concat([touch, again.rename(columns={"StartDateHospProvSpell": "day"})])
        self.share("follow_up_72_hours", year, some, self.soon(some, touch, 3))

    @staticmethod
    def soon(some: pd.DataFrame, after: pd.DataFrame, days: int) -> pd.Series:
        """Say after which discharges something of the person happened on one of so many days."""
        pairs = some.reset_index()[["index", "Person_ID", "DischDateHospProvSpell"]].merge(after, on="Person_ID")
        passed = (pairs["day"] - pairs["DischDateHospProvSpell"]).dt.days
        return pd.Series(some.index.isin(pairs.loc[passed.between(1, days), "index"]), index=some.index)

    def force(self, year: int) -> None:
        force = self.table("MHS515RestrictiveInterventType")
        start, end = force["StartDateRestrictiveIntType"], force["EndDateRestrictiveIntType"]
        # one without an end lasts until the stay ends in which it began
        spell = self.rows["MHS501HospProvSpell"]
        pairs = force[["Person_ID", "StartDateRestrictiveIntType"]].reset_index().merge(spell, on="Person_ID")
        begun, left = pairs["StartDateRestrictiveIntType"], pairs["DischDateHospProvSpell"].fillna(self.last + DAY)
        stay = pairs[(pairs["StartDateHospProvSpell"] <= begun) & (left >= begun)].assign(left=left)
        end = end.fillna(stay.groupby("index")["left"].max().reindex(force.index)).fillna(start)
        used = force[(start <= self.last) & ~(end < self.first)]
        self.put("restrictive_interventions", year, used[used["Person_ID"].isin(self.in_beds)], self.bed_days)
        here = used[used["Person_ID"].isin(self.inpatients["Person_ID"])]
        kinds = {
            "people_restrained": None,
            "prone_restraint": "01",
            "seclusion": "05",
            "segregation": "06",
            "rapid_tranquillisation": "14",
        }
        for indicator, code in kinds.items():
            some = here if code is None else here[here["RestrictiveIntType"].eq(code)]
            self.put(indicator, year, some, self.inpatients, people=True)
        hurt = used[used["RestraintInjuryPatient"].notna()]
        self.share("restraint_injury", year, hurt, hurt["RestraintInjuryPatient"].eq("Y"))
        planned = used[used["InCarePlan"].notna()]
        self.share("force_outside_care_plan", year, planned, planned["InCarePlan"].eq("N"))
        timed = self.within(force, "EndDateRestrictiveIntType")
        timed = timed.dropna(subset=["StartTimeRestrictiveIntType", "EndTimeRestrictiveIntType"])
        begin = moment(timed["StartDateRestrictiveIntType"], timed["StartTimeRestrictiveIntType"])
        until = moment(timed["EndDateRestrictiveIntType"], timed["EndTimeRestrictiveIntType"])
        timed = timed.assign(minutes=(until - begin).dt.total_seconds() / 60)
        timed = timed[timed["minutes"] > 0]
        timed["hours"] = timed["minutes"] / 60
        self.mean("seclusion_length", year, timed[timed["RestrictiveIntType"].eq("05")], "hours")
        self.mean("segregation_length", year, timed[timed["RestrictiveIntType"].eq("06")], "hours")
        self.mean("restraint_length", year, timed[of(timed["RestrictiveIntType"], PHYSICAL)], "minutes")

    # --- Act ------------------------------------------------------------------------------------------------------

    def orders(self, year: int) -> None:
        order = act.orders_once(self.table("MHS404CommTreatOrder"))
        new = self.within(order, "StartDateCommTreatOrd")
        self.rate("cto_starts", year, new)
        self.share("cto_revoked", year, new, new["CommTreatOrdEndReason"].eq("02"))
        recalled = set(self.rows["MHS405CommTreatOrderRecall"]["UniqMHActEpisodeID"])
        self.share("cto_recalled", year, new, new["UniqMHActEpisodeID"].isin(recalled))
        over = self.within(order, "EndDateCommTreatOrd")
        days = (over["EndDateCommTreatOrd"] - over["StartDateCommTreatOrd"]).dt.days
        self.mean("cto_length", year, over.assign(days=days), "days")

    def the_act(self, year: int) -> None:
        """Count sections by the published order of cases; those without a spell count among short-term orders only."""
        period = self.sections.join(self.person, on="Person_ID")
        period = period[~(period["death"] < self.first)]
        new = self.within(period, act.START)
        letter, status = new["category"], new["LegalStatusCode"]
        stays = new[act.ADMITTED].notna()
        self.rate("detentions_as_published", year, new[letter.isin(list("ABCDP")) & stays])
        for indicator, code in (("section_2_uses", "02"), ("section_3_uses", "03")):
            self.rate(indicator, year, new[letter.isin(list("ABCL")) & status.eq(code) & stays])
        self.rate("section_136", year, new[letter.eq("E") & status.eq("20")])
        self.rate("short_term_orders", year, new[letter.isin(["E", "F"])])
        # each section by itself, to its end, or to its expiry where it has none that has come
        lasting = period[period["category"].isin(list("ABCDPGHKL")) & period[act.ADMITTED].notna()]
        begun = lasting[act.START].where(lasting["category"].ne("H"), lasting[act.ADMITTED])
        until = lasting[act.END].fillna(lasting[act.EXPIRY])
        lasting = lasting.assign(until=until, days=(until - begun).dt.days)
        self.mean("section_length", year, self.within(lasting, "until"), "days")

    def own_rule(self, year: int) -> None:
        """Count detentions by this project's own rule, and detentions joined by the day on which they ended."""
        held, over = (frame.join(self.person, on="Person_ID") for frame in (self._detentions, self._joined))
        held, over = (frame[~(frame["death"] < self.first)] for frame in (held, over))
        held = self.within(held, act.START)
        self.rate("detentions", year, held)
        for indicator, among in (("caseload", self.caseload), ("inpatients", self.inpatients)):
            detained = among["Person_ID"].isin(held["Person_ID"])
            self.share(f"people_detained_{indicator}", year, among, detained, people=True)
        again = held["Person_ID"].duplicated(keep=False)
        self.share("repeat_detention", year, held, again, people=True)
        self.mean("detention_length", year, self.within(over, "until"), "length")

    # --- experience and outcomes ----------------------------------------------------------------------------------

    def local(self, year: int) -> None:
        away = self.within(self.table("OutOfAreaPlacement"), "StartDate")
        self.rate("out_of_area_placements", year, away[away["Inappropriate"].eq("Y")])
        answer = self.within(self.table("Experience"), "ResponseDate")
        answer = answer[answer["Question"].ne("COMPLAINT")]
        self.share("positive_experience", year, answer, answer["Positive"].eq("Y"))
        asked = self.within(self.table("Invitation"), "InvitedDate")
        self.share("response_rate", year, asked, asked["Answered"].eq("Y"))
        complaint = self.within(self.table("Complaint"), "ReceivedDate")
        by = self.caseload["Person_ID"].isin(complaint["Person_ID"])
        self.share("complaints", year, self.caseload, by, people=True)
        decided = complaint[complaint["Kind"].eq("COMPLAINT") & complaint["Upheld"].notna()]
        self.share("complaints_upheld", year, decided, decided["Upheld"].isin(["Y", "P"]))
        decided = complaint[complaint["Kind"].eq("PALS") & complaint["Upheld"].notna()]
        self.share("concerns_upheld", year, decided, decided["Upheld"].isin(["Y", "P"]))
        carer = self.within(self.table("Carer"), "RecordedDate")
        carer = carer[carer["HasCarer"].eq("Y") & carer["AssessmentOffered"].notna()]
        self.share("carer_offered_assessment", year, carer, carer["AssessmentOffered"].eq("Y"))
        therapy = self.table("IDS101Referral")
        therapy = therapy[therapy["UsePathway_Flag"].eq("Y")]
        entered = self.within(therapy, "TherapySession_FirstDate")
        entered = entered[age(entered["PersonBirthDate"], self.first) >= 16]
        self.rate("talking_therapies_entering", year, entered, self.residents(16), people=True)
        done = self.within(therapy[therapy["CompletedTreatment_Flag"].eq("Y")], "ServDischDate")
        better, ill = done["ReliableImprovement_Flag"].eq("Y"), done[done["NotCaseness_Flag"].ne("Y")]
        well = ill["Recovery_Flag"].eq("Y")
        self.share("talking_therapies_recovery", year, ill, well)
        self.share("talking_therapies_reliable_recovery", year, ill, well & better[ill.index])
        self.share("talking_therapies_improvement", year, done, better)
        self.share("talking_therapies_deterioration", year, done, done["ReliableDeterioration_Flag"].eq("Y"))

    def outcomes(self, year: int) -> None:
        referral = self.table("MHS101Referral").set_index("UniqServReqID")
        received, closed = referral["ReferralRequestReceivedDate"], referral["ServDischDate"]
        referral = referral.assign(age=age(referral["PersonBirthDate"], received))
        ended = self.within(referral, "ServDischDate")
        score = self.rows["MHS606CodedScoreAssessmentRefer"]
        score = score[score["AssToolCompDate"] <= score["UniqServReqID"].map(closed)]
        # children: paired score
        direct = self.direct()[["UniqServReqID", "CareContDate"]].set_axis(["UniqServReqID", "day"], axis=1)
        indirect = self.rows["MHS204IndirectActivity"]  # one a referral, day and time
        indirect = indirect.drop_duplicates(["UniqServReqID", "IndirectActDate", "IndirectActTime"])
        indirect = indirect[["UniqServReqID", "IndirectActDate"]]
        touch = pd.concat([direct, indirect.set_axis(["UniqServReqID", "day"], axis=1)]).sort_values("day")
        touch = touch[touch["day"] <= touch["UniqServReqID"].map(closed)]
        first = (
            touch.groupby("UniqServReqID")["day"]
            .nth(0)
            .set_axis(touch.drop_duplicates("UniqServReqID")["UniqServReqID"])
        )
        second = touch.groupby("UniqServReqID").nth(1).set_index("UniqServReqID")["day"]
        out = {"B02", "E01", "E02", "E03", "E04", "A14"}
        ids = pd.Series(ended.index, index=ended.index)
        stayed = ids.isin(self.rows["MHS501HospProvSpell"]["UniqServReqID"].dropna())
        young = ended[(ended["age"] < 18) & ended["ReferRejectionDate"].isna() & ~stayed & ~self.with_team(ids, out)]
        young = young[young.index.isin(second.index) & (young["ReferralRequestReceivedDate"] >= "2016-01-01")]
        late = score[score["AssToolCompDate"] >= score["UniqServReqID"].map(first)]
        each = late.groupby(["UniqServReqID", "CodedAssToolType"])["AssToolCompDate"].agg(["size", "max"]).reset_index()
        paired = each[(each["size"] >= 2) & (each["max"] >= each["UniqServReqID"].map(second))]["UniqServReqID"]
        self.share("cyp_paired_score", year, young, pd.Series(young.index.isin(paired), index=young.index))
        # adults: due on the first attended contact 180 days after receipt, or else on the day of closing
        contact = self.rows["MHS201CareContact"]
        contact = contact[of(contact["AttendStatus"], ATTENDED)][["UniqServReqID", "CareContDate"]]
        waited = (contact["CareContDate"] - contact["UniqServReqID"].map(received)).dt.days
        late = contact[waited >= 180].groupby("UniqServReqID")["CareContDate"].min().reindex(referral.index)
        adult = self.within(referral.assign(due=late.fillna(closed)), "due")
        adult = adult[(adult["age"] >= 18) & adult["ReferRejectionDate"].isna()]
        upto = contact[contact["CareContDate"] <= contact["UniqServReqID"].map(adult["due"])]
        adult = adult[upto.groupby("UniqServReqID").size().reindex(adult.index).fillna(0) >= 2]
        every = self.rows["MHS606CodedScoreAssessmentRefer"]
        every = every[every["AssToolCompDate"] <= every["UniqServReqID"].map(adult["due"])]
        days = every.groupby(["UniqServReqID", "CodedAssToolType"])["AssToolCompDate"].nunique().reset_index()
        twice = days.loc[days["AssToolCompDate"] >= 2, "UniqServReqID"]
        self.share("adult_paired_outcome", year, adult, pd.Series(adult.index.isin(twice), index=adult.index))
        # ReQoL-10: from the first to the last day
        reqol = score[score["CodedAssToolType"].eq("REQOL10")].sort_values("AssToolCompDate")
        reqol = reqol.groupby("UniqServReqID").agg(
            days=("AssToolCompDate", "nunique"), first=("PersScore", "first"), last=("PersScore", "last")
        )
        asked = ended[ended["age"] >= 16].join(reqol[reqol["days"] >= 2], how="inner")
        self.share("reqol_improved", year, asked, asked["last"] - asked["first"] >= 5)
