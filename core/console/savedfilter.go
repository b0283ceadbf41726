package console

import (
	"context"
	"net/http"
	"time"

	"lumo/core/account"
	"lumo/core/lumo"
	"lumo/shared/fault"
	"lumo/shared/id"
)

// SavedFilters keeps filters of lists, each member's own.
type SavedFilters interface {
	SavedFilters(ctx context.Context, who account.Membership, c lumo.ChannelID, list string) ([]account.SavedFilter, error)
	SaveFilter(ctx context.Context, who account.Membership, address string, f account.SavedFilter) (account.SavedFilter, error)
	SavedFilter(ctx context.Context, who account.Membership, c lumo.ChannelID, v id.ID) (account.SavedFilter, error)
	RenameFilter(ctx context.Context, who account.Membership, address string, c lumo.ChannelID, v id.ID, name string) (account.SavedFilter, error)
	RemoveFilter(ctx context.Context, who account.Membership, address string, c lumo.ChannelID, v id.ID) (account.SavedFilter, error)
}

// SavedFilterView is what a member chose in a list, under her name for it.
type SavedFilterView struct {
	ID        string            `json:"id"`
	List      string            `json:"list" enum:"friends,review,flow_requests"`
	Name      string            `json:"name"`
	Values    map[string]string `json:"values" doc:"filter of the list -> id or fixed word"`
	CreatedAt *time.Time        `json:"created_at"`
}

type filtersInput struct {
	InChannel
	List string `query:"list" required:"true" enum:"friends,review,flow_requests"`
}

type newFilterInput struct {
	InChannel
	Body struct {
		List   string            `json:"list" enum:"friends,review,flow_requests"`
		Name   string            `json:"name" maxLength:"240"`
		Values map[string]string `json:"values" maxProperties:"20" doc:"filter of the list -> id or fixed word"`
	}
}

// InFilter is the input of operations on a saved filter.
type InFilter struct {
	InChannel
	FilterID string `path:"filter"`
}

func (in InFilter) filter() (lumo.ChannelID, id.ID, error) {
	c, err := in.Channel()
	if err != nil {
		return c, id.ID{}, err
	}
	v, err := id.Parse(in.FilterID)
	if err != nil {
		err = fault.New(fault.NotFound, "console.filter", "This filter does not exist.")
	}
	return c, v, err
}

type renameFilterInput struct {
	InFilter
	Body struct {
		Name string `json:"name" maxLength:"240"`
	}
}

type savedFilters struct{ service SavedFilters }

// RegisterSavedFilters adds the operations on filters that members keep for themselves: whoever
// sees a list may, and nobody sees another's.
func RegisterSavedFilters(a *API, service SavedFilters) {
	f := savedFilters{service}
	const all = "/merchants/{merchant}/channels/{channel}/saved_filters"
	Register(a, Op{ID: "list-saved-filters", Method: http.MethodGet, Path: all, Role: lumo.Viewer,
		Summary: "List one's own filters of a list, by name"}, f.list)
	Register(a, Op{ID: "save-filter", Method: http.MethodPost, Path: all, Role: lumo.Viewer,
		Summary: "Save filters of a list under a name, for oneself"}, f.save)
	RegisterEdit(a, Op{ID: "rename-filter", Method: http.MethodPatch, Path: all + "/{filter}", Role: lumo.Viewer,
		Summary: "Rename one's own saved filter"}, f.read, f.rename)
	Register(a, Op{ID: "delete-filter", Method: http.MethodPost, Path: all + "/{filter}/delete", Role: lumo.Viewer,
		Summary: "Delete one's own saved filter; answers what it was"}, f.remove)
}

func (f savedFilters) list(ctx context.Context, who Caller, in *filtersInput) (List[SavedFilterView], error) {
	c, err := in.Channel()
	if err != nil {
		return List[SavedFilterView]{}, err
	}
	all, err := f.service.SavedFilters(ctx, who.Membership(), c, in.List)
	list := List[SavedFilterView]{Items: make([]SavedFilterView, len(all))}
	for i, one := range all {
		list.Items[i] = savedFilterView(one)
	}
	return list, err
}

func (f savedFilters) save(ctx context.Context, who Caller, in *newFilterInput) (SavedFilterView, error) {
	c, err := in.Channel()
	if err != nil {
		return SavedFilterView{}, err
	}
	saved, err := f.service.SaveFilter(ctx, who.Membership(), who.Address,
		account.SavedFilter{Channel: c, List: in.Body.List, Name: in.Body.Name, Values: in.Body.Values})
	return savedFilterView(saved), err
}

func (f savedFilters) read(ctx context.Context, who Caller, in *renameFilterInput) (SavedFilterView, error) {
	c, v, err := in.filter()
	if err != nil {
		return SavedFilterView{}, err
	}
	saved, err := f.service.SavedFilter(ctx, who.Membership(), c, v)
	return savedFilterView(saved), err
}

func (f savedFilters) rename(ctx context.Context, who Caller, in *renameFilterInput) (SavedFilterView, error) {
	c, v, err := in.filter()
	if err != nil {
		return SavedFilterView{}, err
	}
	saved, err := f.service.RenameFilter(ctx, who.Membership(), who.Address, c, v, in.Body.Name)
	return savedFilterView(saved), err
}

func (f savedFilters) remove(ctx context.Context, who Caller, in *InFilter) (SavedFilterView, error) {
	c, v, err := in.filter()
	if err != nil {
		return SavedFilterView{}, err
	}
	removed, err := f.service.RemoveFilter(ctx, who.Membership(), who.Address, c, v)
	return savedFilterView(removed), err
}

func savedFilterView(f account.SavedFilter) SavedFilterView {
	return SavedFilterView{ID: f.ID.String(), List: f.List, Name: f.Name, Values: f.Values, CreatedAt: moment(f.CreatedAt)}
}
